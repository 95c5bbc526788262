"""The shapes of the restock endpoints: forecasts, who is due, prepared carts and what became of them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, PlainSerializer, model_validator

from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Confidence, Status
from serving.schemas import Id, LongText, ModelReference, Request, Subject, Text

Level = Literal["customer_group", "customer_item"]
Feedback = Literal["edited", "rejected", "ordered"]
Channel = Literal["email", "push", "sms", "messenger", "call", "site"]
Amount = Annotated[Decimal, PlainSerializer(str, return_type=str)]
AsOf = Annotated[
    AwareDatetime | None,
    Field(description="what was known just before this moment; only where KAIROS_ALLOW_AS_OF is set, default now"),
]
Locale = Annotated[Text | None, Field(description="words are Russian for ru, English else")]
Probability = Annotated[float, Field(ge=0, le=1)]


class ForecastRequest(Request):
    """What `POST /v1/restock/forecast` takes."""

    subject: Subject
    item_ids: Annotated[
        tuple[Id, ...], Field(max_length=100, description="only these; everything ever bought when empty")
    ] = ()
    dates: Annotated[
        tuple[date, ...], Field(max_length=20, description=f"for probability_due_by, at most {HORIZON} days ahead")
    ] = ()
    as_of: AsOf = None
    locale: Locale = None

    model_config = Request.model_config | {
        "json_schema_extra": {"examples": [{"subject": {"user_id": "u_81"}, "item_ids": ["food-2kg"], "locale": "en"}]}
    }


class Due(BaseModel):
    """The days by which it will have been bought with 10, 50 and 90 %; null where that is further than anybody sees."""

    p10: date | None
    p50: date | None
    p90: date | None


class RestockEvidence(BaseModel):
    """What a forecast rests on; days on which a product of the group was bought count as purchases."""

    purchases: int
    median_interval_days: float | None
    last_purchase: date | None
    last_quantity: float | None
    level: Level


class RestockForecast(BaseModel):
    """When one need comes again. `missing` says in a code, `words` in a sentence, why nothing is claimed."""

    item_id: str
    group: str | None
    due: Due
    probability_due_by: dict[date, float]
    quantity: int | None
    status: Status
    confidence: Confidence
    missing: str | None = None
    evidence: RestockEvidence
    words: str


class ForecastAnswer(BaseModel):
    """What is known of one customer, the soonest first; `words` say why there is nothing."""

    as_of: datetime
    items: list[RestockForecast]
    next_order: Due
    words: str | None = None
    model: ModelReference


class CartRequest(Request):
    """What `POST /v1/restock/carts` takes."""

    subject: Subject
    max_items: Annotated[int, Field(ge=1, le=100)] = 20
    as_of: AsOf = None
    locale: Locale = None

    model_config = Request.model_config | {
        "json_schema_extra": {"examples": [{"subject": {"user_id": "u_81"}, "max_items": 10, "locale": "ru-RU"}]}
    }


class CartItem(BaseModel):
    """One product of a cart. `probability` is that of the need until the day of shopping."""

    item_id: str
    quantity: int
    reason: str
    words: str
    probability: float
    substitute_for: str | None = None
    title: str | None = None
    price: Amount | None = None
    currency: str | None = None


class Total(BaseModel):
    """What a cart costs, as a decimal number in a string."""

    amount: Amount
    currency: str


class Cart(BaseModel):
    """A prepared cart; without items it says that nothing is needed. `total` is null unless all prices are known."""

    cart_id: str
    items: list[CartItem]
    total: Total | None
    link_token: str
    valid_until: datetime


class CartAnswer(Cart):
    """What `POST /v1/restock/carts` answers: the cart for the day on which the customer probably shops next."""

    next_shopping_day: date | None
    sold_out: Annotated[list[str], Field(description="needed, but out of stock, and nothing replaces it")] = []
    words: str
    model: ModelReference


class OpenedItem(BaseModel):
    """One product of an opened cart, with the price and the stock of now."""

    item_id: str
    quantity: int
    available: bool
    substitute_for: str | None = None
    title: str | None = None
    url: str | None = None
    image_url: str | None = None
    price: Amount | None = None
    currency: str | None = None


class OpenedCart(BaseModel):
    """What the link of a cart shows; `total` is that of what is available. Whose cart it is stays unsaid."""

    cart_id: str
    items: list[OpenedItem]
    total: Total | None
    valid_until: datetime


class FeedbackLine(Request):
    """A product of a cart; of an edited one, how many are wanted instead, 0 for none."""

    item_id: Id
    quantity: Annotated[int | None, Field(ge=0, le=10_000)] = None


class FeedbackRequest(Request):
    """What `POST /v1/restock/carts/feedback` takes. A rejection without items is one of the whole cart."""

    cart_id: Id
    type: Feedback
    items: Annotated[tuple[FeedbackLine, ...], Field(max_length=100)] = ()
    reason: LongText | None = None

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [{"cart_id": "rc_1f0c", "type": "edited", "items": [{"item_id": "food-2kg", "quantity": 3}]}]
        }
    }

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.type == "edited" and not (self.items and all(line.quantity is not None for line in self.items)):
            raise ValueError("an edited cart needs items with the quantity that is wanted, 0 for none")
        return self


class FeedbackAnswer(BaseModel):
    """`new` is false for what was told before: it counts once."""

    success: Literal[True] = True
    new: bool


class Window(Request):
    """Days in UTC, both inclusive."""

    from_: Annotated[date, Field(alias="from")]
    to: date


class DueRequest(Request):
    """What `POST /v1/restock/due` takes. With `channels`, it is also decided when to write by which of them."""

    window: Window
    min_probability: Probability = 0.5
    channels: Annotated[tuple[Channel, ...], Field(max_length=10)] = ()
    item_ids: Annotated[tuple[Id, ...], Field(max_length=1_000, description="only needs that these products meet")] = ()
    category: Annotated[LongText | None, Field(description="only needs below this path with /")] = None
    max_items: Annotated[int, Field(ge=1, le=100)] = 20
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[LongText | None, Field(description="`next_cursor` of the page before")] = None
    as_of: AsOf = None
    locale: Locale = None

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [{"window": {"from": "2026-11-23", "to": "2026-11-30"}, "min_probability": 0.5, "limit": 500}]
        }
    }


class DueSend(BaseModel):
    """The decision when and where to write to a customer who is due; `reason` says why nothing is to be sent."""

    decision_id: str
    send: bool
    reason: str | None = None
    channel: str | None = None
    send_at: datetime | None = None


class DueCustomer(BaseModel):
    """One customer who is due: the likeliest day of the window, the probability of the likeliest need, the cart.

    `send` is null where no channels were given, or where it is more than three days too early to decide.
    """

    subject: Subject
    due_at: date
    probability: float
    cart: Cart
    send: DueSend | None = None


class DueAnswer(BaseModel):
    """A page of customers by their ids; `as_of` is when everybody was scored. Ask on until `next_cursor` is null."""

    customers: list[DueCustomer]
    channels: tuple[Channel, ...]
    next_cursor: str | None
    as_of: datetime
    model: ModelReference

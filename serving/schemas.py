"""The shapes of the HTTP interface: what a request may hold and what an answer holds. What is not here is refused."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from features.fields import MAX_ID_LENGTH, storable
from serving.problems import InvalidField

Placement = Literal[
    "home",
    "product",
    "cart",
    "category",
    "search",
    "email",
    "recently_viewed",
    "trending",
    "new",
    "buy_again",
    "wishlist",
]
ItemField = Literal["title", "category", "brand", "price", "currency", "url", "image_url"]
Part = Literal["fields", "reasons"]
DEFAULT_FIELDS: tuple[ItemField, ...] = ("title", "category", "brand", "price", "currency", "url", "image_url")


def _text(value: str) -> str:
    if not storable(value):
        raise ValueError("holds a character that is not text (NUL or half of a pair)")
    return value


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_text)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_text)]
LongText = Annotated[str, Field(min_length=1, max_length=2_048), AfterValidator(_text)]
Url = Annotated[LongText, Field(pattern=r"^https?://\S+$")]
Money = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 14, max_digits=18, decimal_places=4)]
Ids = Annotated[list[Id], Field(max_length=100)]
Limit = Annotated[int, Field(ge=1, le=100)]
Quantity = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Request(BaseModel):
    """Base of what comes in: a field that we do not know is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(Request):
    """Who is asked about; a visitor of whom nothing is known has neither id."""

    user_id: Id | None = None
    anonymous_id: Id | None = None


class CartLine(Request):
    """One product in the visitor's cart."""

    item_id: Id
    quantity: Quantity = 1.0


class Context(Request):
    """What is on the page. `device`, `locale` and `timezone` are kept with the decision, for learning."""

    item_ids: Ids = []
    cart: Annotated[list[CartLine], Field(max_length=100)] = []
    device: Text | None = None
    locale: Text | None = None
    timezone: Text | None = None


class RecommendationRequest(Request):
    """What `POST /v1/recommendations` takes."""

    subject: Subject = Subject()
    placement: Placement = "home"
    limit: Limit = 10
    context: Context = Context()
    exclude_item_ids: Annotated[list[Id], Field(max_length=1_000)] = []
    include: list[Part] = ["fields", "reasons"]
    fields: list[ItemField] = list(DEFAULT_FIELDS)
    preview: Annotated[bool, Field(description="answer without logging or counting")] = False


class RecommendationQuery(Request):
    """The same as query parameters, for templates that can only fetch; lists repeat the parameter."""

    user_id: Id | None = None
    anonymous_id: Id | None = None
    placement: Placement = "home"
    limit: Limit = 10
    item_ids: Ids = []
    exclude_item_ids: Annotated[list[Id], Field(max_length=1_000)] = []
    include: list[Part] = ["fields", "reasons"]
    fields: list[ItemField] = list(DEFAULT_FIELDS)
    preview: bool = False

    def request(self) -> RecommendationRequest:
        """The same request in the shape of the POST body."""
        return RecommendationRequest(
            subject=Subject(user_id=self.user_id, anonymous_id=self.anonymous_id),
            context=Context(item_ids=self.item_ids),
            **self.model_dump(exclude={"user_id", "anonymous_id", "item_ids"}),
        )


class Reason(BaseModel):
    """Why an item is there: in a code for programs, in English for people."""

    code: Literal["bought_before", "seen_before", "bought_with", "because_you_bought", "because_you_saw", "popular"]
    item_id: str | None = None
    text: str


class RecommendedItem(BaseModel):
    """One answer. `source` is the recommender that it came from."""

    item_id: str
    rank: int
    score: float
    source: str
    promoted: bool = False
    explored: bool = False
    reasons: list[Reason] | None = None
    fields: Annotated[dict[str, str] | None, Field(description="those asked for that the catalogue knows")] = None


class ModelReference(BaseModel):
    """The registered version that answered."""

    name: str
    version: str
    alias: str


class RecommendationAnswer(BaseModel):
    """What `/v1/recommendations` answers. `fallback` names the source when nothing personal was found."""

    recommendation_id: str
    placement: Placement
    strategy: str
    degraded: bool
    degraded_reason: Literal["features_unavailable", "features_timeout"] | None = None
    fallback: str | None = None
    items: list[RecommendedItem]
    model: ModelReference
    expires_at: datetime


class CatalogItem(Request):
    """One product of the shop."""

    item_id: Id
    title: LongText | None = None
    category: Annotated[LongText | None, Field(description="a path with /, e.g. `grocery/tea`")] = None
    brand: Text | None = None
    price: Money | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    url: Url | None = None
    image_url: Url | None = None
    in_stock: bool = True
    attributes: dict[Id, LongText] = {}


class CatalogUpdate(Request):
    """What `PUT /v1/catalog/items` takes: each item replaces the one of its id; of two with one id the last counts."""

    items: list[CatalogItem] = Field(min_length=1, max_length=5_000)


class CatalogUpdated(BaseModel):
    """How many of the items were new or different."""

    success: Literal[True] = True
    items: int
    changed: int


class CatalogPage(BaseModel):
    """Products in order of their ids; pass `next_cursor` as `after` for the next page."""

    items: list[CatalogItem]
    next_cursor: str | None = None


class RejectedEvent(InvalidField):
    """A message of a batch that did not get in."""

    index: int


class Accepted(BaseModel):
    """What ingestion answers, once everything that it counts as accepted is on disk."""

    success: Literal[True] = True
    accepted: int
    duplicates: int
    ignored: int = Field(description="outside our vocabulary")
    rejected: list[RejectedEvent] = []


class EventVerdict(BaseModel):
    """What would become of one message. `type` is ours; unknown items are those that the catalogue lacks."""

    index: int
    verdict: Literal["accepted", "ignored", "rejected"]
    type: str | None = None
    occurred_at: AwareDatetime | None = None
    items: int = 0
    unknown_items: list[str] = []
    pointer: str | None = None
    code: str | None = None
    detail: str | None = None


class Verdicts(BaseModel):
    """What `/v1/events/validate` answers: one verdict a message, in their order."""

    events: list[EventVerdict]


class VersionAnswer(BaseModel):
    """Which Kairos and which model answer."""

    name: str = "kairos"
    version: str
    model: ModelReference | None
    previous_model_version: str | None = None

"""The shapes of the HTTP interface: what a request may hold and what an answer holds. What is not here is refused.

Those of the catalogue and of ingestion, of restocking, decisions and reports stand in rooms of their own.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.fields import MAX_ID_LENGTH, storable
from serving.placements import Ask, PlacementName
from serving.rules.rules import MinRelevance, Rules, Share

Degraded = Literal[
    "features_unavailable", "features_timeout", "history_unavailable", "log_unavailable", "catalog_stale"
]
ItemField = Literal["title", "category", "brand", "price", "currency", "url", "image_url"]
Part = Literal["fields", "reasons"]
ReasonCode = Literal[
    "because_you_bought",
    "because_you_saw",
    "bought_before",
    "bought_with",
    "chosen",
    "explored",
    "matches_search",
    "new",
    "popular",
    "popular_in_category",
    "promoted",
    "seen_before",
    "similar_to",
    "trending",
]
DEFAULT_FIELDS: tuple[ItemField, ...] = ("title", "category", "brand", "price", "currency", "url", "image_url")


def _text(value: str) -> str:
    if not storable(value):
        raise ValueError("holds a character that is not text (NUL or half of a pair)")
    return value


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_text)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_text)]
LongText = Annotated[str, Field(min_length=1, max_length=2_048), AfterValidator(_text)]
Money = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 14, max_digits=18, decimal_places=4)]
Ids = Annotated[tuple[Id, ...], Field(max_length=100)]
Filter = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_text)]
Limit = Annotated[int, Field(ge=1, le=100)]
Quantity = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Request(BaseModel):
    """Base of what comes in: a field that we do not know is an error, never ignored.

    Sequences are tuples, as pydantic makes a deep copy of a default that can be changed, for each request anew.
    """

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
    """What is on the page. All of it but `page_url` and quantities is kept with the decision, for learning."""

    item_ids: Annotated[Ids, Field(description="products that are shown: of a product's page, a mail, a list")] = ()
    cart: Annotated[tuple[CartLine, ...], Field(max_length=100)] = ()
    category: Annotated[LongText | None, Field(description="a path with /, that of the listing on the page")] = None
    query: Annotated[Text | None, Field(description="what was searched for")] = None
    location_id: Annotated[Id | None, Field(description="only what is in stock there")] = None
    page_url: LongText | None = None
    device: Text | None = None
    locale: Annotated[Text | None, Field(description="reasons are Russian for ru, English else")] = None
    timezone: Text | None = None


class Wish(Request):
    """What is asked for, whoever it is for; what is left out is as the placement says."""

    placement: PlacementName = "home"
    limit: Limit = 10
    filter: Annotated[
        Filter | None, Field(description="over the columns of the catalogue", examples=["price < 3000 && in_stock"])
    ] = None
    exclude_item_ids: Annotated[tuple[Id, ...], Field(max_length=1_000)] = ()
    diversity: Annotated[Share | None, Field(description="0 keeps the order of the recommender")] = None
    min_relevance: MinRelevance | None = None
    allow_fallback: Annotated[bool, Field(description="false asks the placement's first source alone")] = True
    include: tuple[Part, ...] = ("fields", "reasons")
    fields: tuple[ItemField, ...] = DEFAULT_FIELDS
    preview: Annotated[bool, Field(description="answer without logging or counting")] = False


class RecommendationRequest(Wish):
    """What `POST /v1/recommendations` takes."""

    subject: Subject = Subject()
    context: Context = Context()


class RecommendationBatch(Wish):
    """What `POST /v1/recommendations/batch` takes: one placement and context for many subjects."""

    subjects: list[Subject] = Field(min_length=1, max_length=1_000)
    context: Context = Context()

    def requests(self) -> list[RecommendationRequest]:
        """The single requests that this one stands for."""
        shared = {name: getattr(self, name) for name in type(self).model_fields if name != "subjects"}
        return [RecommendationRequest.model_construct(subject=subject, **shared) for subject in self.subjects]


class RecommendationQuery(Wish):
    """The same as query parameters, for templates that can only fetch; lists repeat the parameter."""

    user_id: Id | None = None
    anonymous_id: Id | None = None
    item_ids: Ids = ()
    cart_item_ids: Ids = ()
    category: LongText | None = None
    query: Text | None = None
    location_id: Id | None = None
    locale: Text | None = None

    def request(self) -> RecommendationRequest:
        """The same request in the shape of the POST body."""
        context = Context(
            item_ids=self.item_ids,
            cart=tuple(CartLine(item_id=item_id) for item_id in self.cart_item_ids),
            category=self.category,
            query=self.query,
            location_id=self.location_id,
            locale=self.locale,
        )
        return RecommendationRequest(
            subject=Subject(user_id=self.user_id, anonymous_id=self.anonymous_id),
            context=context,
            **{name: getattr(self, name) for name in Wish.model_fields},
        )


class Reason(BaseModel):
    """Why an item is there: in a code for programs, in English or Russian for people."""

    code: ReasonCode
    item_id: str | None = None
    text: str


class RecommendedItem(BaseModel):
    """One answer. `source` is the recommender that it came from, `propensity` the chance that an explored one had."""

    item_id: str
    rank: int
    score: float
    source: str
    promoted: bool = False
    explored: bool = False
    propensity: float | None = None
    reasons: list[Reason] | None = None
    fields: Annotated[dict[str, str] | None, Field(description="those asked for that the catalogue knows")] = None


class ModelReference(BaseModel):
    """The registered version that answered."""

    name: str
    version: str
    alias: str


class RecommendationAnswer(BaseModel):
    """What `/v1/recommendations` answers.

    `strategy` is the source that was asked first, `fallback` the one that filled in when that one found nothing.
    """

    recommendation_id: str
    placement: PlacementName
    strategy: str
    degraded: bool
    degraded_reason: Degraded | None = None
    fallback: str | None = None
    items: list[RecommendedItem]
    model: ModelReference
    expires_at: datetime


class RecommendationAnswers(BaseModel):
    """What the batch answers: one answer a subject, in their order."""

    answers: list[RecommendationAnswer]


class PlacementSource(BaseModel):
    """A recommender that a placement asks; one that the live version lacks is passed over."""

    recommender: str
    ask: Ask
    same_category: bool
    last_resort: bool
    available: bool


class PlacementAnswer(BaseModel):
    """A placement as it is configured now."""

    name: PlacementName
    sources: list[PlacementSource]
    keep_category: bool
    cart_on_page: bool
    rules: Rules


class PlacementsAnswer(BaseModel):
    """What `/v1/placements` answers."""

    placements: list[PlacementAnswer]


class RefusedVersion(BaseModel):
    """A version that carries the alias `champion` and does not go live; what was live before still answers."""

    name: str
    version: str
    reason: str
    since: datetime


class VersionAnswer(BaseModel):
    """Which Kairos and which model answer."""

    name: str = "kairos"
    version: str
    model: ModelReference | None
    previous_model_version: str | None = None
    restock_model: ModelReference | None = None
    refused: list[RefusedVersion] = []

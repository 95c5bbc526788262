"""The shapes of the report on one customer: who it is, what they did, and what Kairos would answer them now."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from serving.decisions.schemas import ArmName, Blocked, PolicyReference
from serving.placements import PlacementName
from serving.restock.schemas import Amount, AsOf, CartItem, ForecastAnswer, Locale, Total
from serving.schemas import Id, LongText, ModelReference, Request, Subject

Part = Literal["events", "recommendations", "forecast", "cart", "decisions", "contact"]
PARTS: tuple[Part, ...] = ("events", "recommendations", "forecast", "cart", "decisions", "contact")
Side = Literal["ready", "none", "same", "loading", "failed"]
Missing = Literal["suppressed", "too_slow", "failed", "no_model", "only_now"]


class VisitorRequest(Request):
    """What `POST /v1/reports/visitor` takes. `item_ids` are the products on the page of the placement."""

    subject: Subject
    placement: PlacementName = "home"
    item_ids: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    query: Annotated[LongText | None, Field(description="what was searched for, at the placement `search`")] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    parts: Annotated[tuple[Part, ...], Field(max_length=10)] = PARTS
    as_of: AsOf = None
    locale: Locale = None

    model_config = Request.model_config | {
        "json_schema_extra": {"examples": [{"subject": {"user_id": "u_81"}, "placement": "home", "locale": "en"}]}
    }


class KnownId(BaseModel):
    """One id of a person; `since` is when it was first said that it is theirs, null for the id that was always so."""

    kind: Literal["user", "anonymous"]
    id: str
    since: datetime | None


class SeenItem(BaseModel):
    """A product of an event."""

    item_id: str
    title: str | None
    quantity: float


class SeenEvent(BaseModel):
    """Something that the person did, or that was done to them; the time is that of their own zone."""

    type: str
    at: datetime
    items: list[SeenItem]
    order_id: str | None = None
    total: Amount | None = None
    currency: str | None = None
    query: str | None = None
    category: str | None = None
    channel: str | None = None
    campaign: str | None = None
    consent: str | None = None
    purpose: str | None = None
    feedback: str | None = None


class Contribution(BaseModel):
    """What one product of the past adds to the score of a recommended one, as a share of all that is added."""

    item_id: str
    title: str | None
    share: float


class PreviewedItem(BaseModel):
    """One recommended product. `in_both` is null where there is nothing to compare with."""

    item_id: str
    title: str | None
    rank: int
    score: float
    source: str
    promoted: bool
    explored: bool
    reasons: list[str]
    contributions: list[Contribution]
    in_both: bool | None = None


class Previewed(BaseModel):
    """What a version would answer; nothing of it is logged."""

    model: ModelReference
    strategy: str
    fallback: str | None
    degraded_reason: str | None
    items: list[PreviewedItem]


class SideBySide(BaseModel):
    """The live version beside the challenger: `same` when they are one version, `loading` while it is being read.

    `impersonal` says that the person is answered as nobody is, because they do not want to be known.
    """

    placement: PlacementName
    impersonal: bool
    champion: Previewed
    challenger: Previewed | None
    side: Side


class PreviewedCart(BaseModel):
    """The cart that would be prepared now: without an id and a link, as it is not kept."""

    as_of: datetime
    items: list[CartItem]
    total: Total | None
    next_shopping_day: date | None
    sold_out: list[str]
    words: str
    model: ModelReference


class DecidedOption(BaseModel):
    """One option that a decision had, with its probability after the rules; silence has no channel."""

    channel: str | None
    send_at: datetime | None
    argument: str | None
    incentive: str | None
    probability: float
    chosen: bool


class CameOf(BaseModel):
    """What came of a decision until now; `matured` says that its window has closed."""

    matured: bool
    activated_at: datetime | None
    delivered: bool
    opened: bool
    clicked: bool
    unsubscribed: bool
    complained: bool
    orders: int
    value: Amount
    currency: str | None


class VisitorDecision(BaseModel):
    """One decision about the person: `open` while it stands. `reason` is that of silence."""

    decision_id: str
    decision_point: str
    trigger_id: str
    step: int
    decided_at: datetime
    valid_until: datetime
    open: bool
    arm: ArmName
    policy: PolicyReference
    propensity: float
    explored: bool
    reason: str | None
    options: list[DecidedOption]
    blocked: list[Blocked]
    outcome: CameOf


class ConsentWord(BaseModel):
    """The last word on a channel and a purpose; null is every one."""

    channel: str | None
    purpose: str | None
    consent: Literal["granted", "withdrawn"]
    at: datetime


class ContactState(BaseModel):
    """Who may write to the person, and how they are to be known."""

    timezone: str
    timezone_known: bool
    consents: list[ConsentWord]
    unreachable: list[str]
    personalization_withdrawn: bool


class VisitorAnswer(BaseModel):
    """What `POST /v1/reports/visitor` answers. A part that was not asked for, or is in `missing`, is null.

    Of somebody who is suppressed nothing is told. `known` is false for an id of which nothing was ever heard. What is
    foreseen is `restock_as_of`: now, or where the last scoring is long ago, as of that.
    """

    as_of: datetime
    restock_as_of: datetime
    known: bool
    suppressed: bool
    customer_id: str | None
    ids: list[KnownId]
    events: list[SeenEvent] | None = None
    recommendations: SideBySide | None = None
    forecast: ForecastAnswer | None = None
    cart: PreviewedCart | None = None
    decisions: list[VisitorDecision] | None = None
    contact: ContactState | None = None
    missing: dict[Part, Missing] = {}

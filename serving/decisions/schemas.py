"""The shapes of the decision endpoints: what a campaign engine asks and what it is told."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from serving.schemas import CartLine, Id, Money, Request, Subject, Text

Part = Literal["alternatives", "plan"]
ArmName = Literal["policy", "random", "baseline", "holdout"]
MOST_SUBJECTS = 1_000
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _in_calendar(value: datetime) -> datetime:
    if not _EARLIEST <= value <= _LATEST:
        raise ValueError("must lie between the years 1970 and 2200")
    return value


def _named(subject: Subject) -> Subject:
    if subject.user_id is None and subject.anonymous_id is None:
        raise ValueError("a user_id or an anonymous_id is needed")
    return subject


Named = AfterValidator(_named)
Moment = Annotated[AwareDatetime, AfterValidator(_in_calendar)]
AsOf = Annotated[
    Moment | None,
    Field(description="decide as of this moment; only where KAIROS_ALLOW_AS_OF is set, for simulation and replay"),
]
Step = Annotated[int, Field(ge=1, le=20, description="which message of the series this is about, from 1 on")]
_Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]


class Trigger(Request):
    """What happened, from when on delays count. Its id makes a decision sticky: a cart, a campaign, an order."""

    id: Id
    type: Annotated[Text | None, Field(description="e.g. `cart_abandoned`; the decision point's own when null")] = None
    at: Annotated[Moment | None, Field(description="the moment of the request when null")] = None


class Allowed(Request):
    """What the engine can do; what is left out is as the decision point says. `latest` bounds the validity too."""

    channels: Annotated[tuple[Id, ...] | None, Field(min_length=1, max_length=20)] = None
    max_messages: Annotated[int | None, Field(ge=0, le=20)] = None
    earliest: Moment | None = None
    latest: Moment | None = None
    arguments: Annotated[tuple[Id, ...] | None, Field(max_length=50)] = None
    incentives: Annotated[tuple[Id, ...] | None, Field(max_length=50)] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.earliest and self.latest and self.earliest > self.latest:
            raise ValueError("earliest lies after latest")
        return self


class DecisionContext(Request):
    """What the engine knows that the events may not tell. What is said here counts before what was tracked."""

    cart_value: Money | None = None
    currency: Annotated[str | None, Field(pattern="^[A-Z]{3}$")] = None
    items: Annotated[tuple[CartLine, ...], Field(max_length=200)] = ()
    checkout_step: Annotated[int | None, Field(ge=0, le=100)] = None
    timezone: Annotated[Text | None, Field(description="name of the tz database, e.g. Europe/Moscow")] = None
    device: Text | None = None
    location_id: Annotated[Id | None, Field(description="where the items must be in stock")] = None
    numbers: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")], _Number],
        Field(max_length=50, description="the shop's own figures, to be learned from as `shop_…`"),
    ] = Field(default_factory=dict)


class Asked(Request):
    """What is asked of one subject."""

    trigger: Trigger
    eligible: Allowed = Allowed()
    context: DecisionContext = DecisionContext()
    step: Step = 1


class DecisionRequest(Asked):
    """What `POST /v1/decisions` takes."""

    decision_point: Id
    subject: Annotated[Subject, Named]
    include: Annotated[tuple[Part, ...], Field(max_length=10)] = ()
    as_of: AsOf = None
    preview: Annotated[bool, Field(description="answer without logging: not sticky, not counted")] = False

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "decision_point": "cart_recovery",
                    "subject": {"user_id": "u_81"},
                    "trigger": {"id": "cart_555", "type": "cart_abandoned", "at": "2026-11-21T14:02:11+03:00"},
                    "eligible": {"channels": ["email", "web_push"], "max_messages": 3},
                    "context": {"cart_value": "4310.00", "currency": "RUB", "timezone": "Europe/Moscow"},
                    "include": ["alternatives", "plan"],
                }
            ]
        }
    }


class BatchSubject(Subject):
    """One of many; what is left out is that of the batch."""

    trigger: Trigger | None = None
    eligible: Allowed | None = None
    context: DecisionContext | None = None
    step: Step | None = None


class DecisionBatch(Request):
    """What `POST /v1/decisions/batch` takes: one decision point for a whole audience."""

    decision_point: Id
    subjects: Annotated[list[Annotated[BatchSubject, Named]], Field(min_length=1, max_length=MOST_SUBJECTS)]
    trigger: Annotated[Trigger | None, Field(description="may be null when each subject has its own")] = None
    eligible: Allowed = Allowed()
    context: DecisionContext = DecisionContext()
    step: Step = 1
    include: Annotated[tuple[Part, ...], Field(max_length=10)] = ()
    as_of: AsOf = None
    preview: bool = False

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "decision_point": "campaign",
                    "subjects": [{"user_id": "u_81"}, {"user_id": "u_82", "context": {"timezone": "Europe/Berlin"}}],
                    "trigger": {"id": "spring-sale", "at": "2026-11-21T09:00:00+03:00"},
                    "eligible": {"channels": ["email"], "latest": "2026-11-24T21:00:00+03:00"},
                }
            ]
        }
    }

    @model_validator(mode="after")
    def _triggered(self) -> Self:
        if self.trigger is None and any(subject.trigger is None for subject in self.subjects):
            raise ValueError("a decision needs a trigger: give one for all, or one to each subject")
        return self

    def requests(self) -> list[DecisionRequest]:
        """The single requests that this one stands for."""
        return [
            DecisionRequest.model_construct(
                decision_point=self.decision_point,
                subject=Subject(user_id=subject.user_id, anonymous_id=subject.anonymous_id),
                trigger=cast(Trigger, subject.trigger or self.trigger),
                eligible=subject.eligible or self.eligible,
                context=subject.context or self.context,
                step=subject.step or self.step,
                include=self.include,
                as_of=self.as_of,
                preview=self.preview,
            )
            for subject in self.subjects
        ]


class Action(BaseModel):
    """Whether to send, and if so what, where and when; `reason` says why not. `delay_seconds` count from the trigger.

    `send_at` carries the customer's own offset. `messages_planned` counts those of the plan, sent ones included.
    """

    send: bool
    reason: str | None = None
    channel: str | None = None
    send_at: datetime | None = None
    delay_seconds: int | None = None
    message_number: int
    messages_planned: int
    argument: str | None = None
    incentive: str | None = None


class PlannedMessage(BaseModel):
    """One message of the preview. Only the first is decided; the others are decided anew when their time comes."""

    n: int
    channel: str
    send_at: datetime | None = None
    not_before: datetime | None = None
    condition: str | None = None
    argument: str | None = None


class Alternative(BaseModel):
    """Another option, with the probability that it had; silence has no channel."""

    channel: str | None
    delay_bucket: str | None
    send_at: datetime | None
    argument: str | None
    incentive: str | None
    messages: int
    probability: float


class Blocked(BaseModel):
    """What a rule took away, and why: a channel, an argument, an incentive, or all of it."""

    reason: str
    channel: str | None = None
    argument: str | None = None
    incentive: str | None = None


class PolicyReference(BaseModel):
    """Who decided: a registered model with its version, or `rule` (the shop's own series) or `uniform`."""

    name: str
    version: str | None
    alias: str | None


class DecisionAnswer(BaseModel):
    """What `/v1/decisions` answers.

    `propensity` is that of the action after the rules, `explored` says that another one was likelier. `sticky`: the
    same question is answered by the same decision until `valid_until`.
    """

    decision_id: str
    decision_point: str
    sticky: bool
    arm: ArmName
    mode: str
    action: Action
    plan: list[PlannedMessage] | None = None
    propensity: float
    explored: bool
    policy: PolicyReference
    alternatives: list[Alternative] | None = None
    blocked: list[Blocked]
    stop_on: list[str]
    valid_until: datetime
    degraded: bool
    degraded_reason: str | None = None


class DecisionAnswers(BaseModel):
    """What the batch answers: one answer a subject, in their order."""

    answers: list[DecisionAnswer]


class CheckRequest(Request):
    """What `POST /v1/decisions/check` takes."""

    decision_id: Id
    as_of: AsOf = None

    model_config = Request.model_config | {"json_schema_extra": {"examples": [{"decision_id": "dec_1f0c"}]}}


class CheckAnswer(BaseModel):
    """Whether the message may still be sent; if not, why, and since when that holds."""

    send: bool
    reason: str | None = None
    since: datetime | None = None

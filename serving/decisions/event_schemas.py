"""The shapes of what is told: that a message went out, what came of it, who agreed; and of what lies abandoned."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PlainSerializer

from features.cart_kinds import KindName
from serving.decisions.schemas import Moment, Named
from serving.schemas import Id, LongText, Money, Request, Subject, Text

OutcomeType = Literal["delivered", "opened", "clicked", "converted", "unsubscribed", "complained", "bounced"]
Amount = Annotated[Decimal, PlainSerializer(str, return_type=str)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]


class ActivationRequest(Request):
    """What `POST /v1/activations` takes. Without `channel` it is the one that was decided."""

    decision_id: Id
    sent_at: Annotated[Moment | None, Field(description="the moment of the request when null")] = None
    channel: Id | None = None
    provider_message_id: Annotated[
        Id | None, Field(description="the sender's own id of the message; events that carry it need no decision_id")
    ] = None

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [{"decision_id": "dec_1f0c", "sent_at": "2026-11-21T19:30:00+03:00", "channel": "push"}]
        }
    }


class ActivationAnswer(BaseModel):
    """The activation that stands; `new` is false when an earlier one does."""

    decision_id: str
    new: bool
    sent_at: datetime
    channel: str


class OutcomeRequest(Request):
    """What `POST /v1/outcomes` takes. With a `message_id` an outcome counts once; else once for each `occurred_at`.

    `value` is what the engine claims for a conversion. It is kept, and never counted as money: that is what orders are.
    """

    decision_id: Id
    type: OutcomeType
    value: Money | None = None
    currency: Currency | None = None
    occurred_at: Annotated[Moment | None, Field(description="the moment of the request when null")] = None
    message_id: Id | None = None
    machine: Annotated[bool, Field(description="a mail proxy or scanner opened or clicked, nobody else")] = False

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [
                {"decision_id": "dec_1f0c", "type": "clicked", "occurred_at": "2026-11-21T19:41:00+03:00"},
            ]
        }
    }


class Told(BaseModel):
    """`new` is false for what was told before: it counts once."""

    new: bool


class ConsentAnswer(Told):
    """`channel_known` is false where the action bank does not name the channel: the word is kept, and stops nothing
    until the bank names it. Of the purpose `personalization` the channel does not matter, and while the bank cannot be
    read since the service began, no channel is called unknown. `purpose_known` is false likewise where no channel of
    the bank has the purpose."""

    channel_known: bool
    purpose_known: bool


class ConsentRequest(Request):
    """What `POST /v1/consents` takes. Without `purpose` it is about every purpose of the channel."""

    subject: Annotated[Subject, Named]
    channel: Id
    purpose: Text | None = None
    consent: Literal["granted", "withdrawn"]
    at: Annotated[Moment | None, Field(description="the moment of the request when null")] = None

    model_config = Request.model_config | {
        "json_schema_extra": {
            "examples": [{"subject": {"user_id": "u_81"}, "channel": "sms", "purpose": "carts", "consent": "granted"}]
        }
    }


class AbandonedWindow(Request):
    """From when on and before when a cart was abandoned."""

    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None


class AbandonedRequest(Request):
    """What `POST /v1/carts/abandoned` takes. A cart is a checkout too; with `min_value` its value must be known."""

    kind: KindName = "cart"
    window: AbandonedWindow = AbandonedWindow()
    min_value: Money | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[LongText | None, Field(description="`next_cursor` of the page before")] = None
    as_of: Annotated[
        Moment | None,
        Field(
            description="what lay abandoned just before this moment; only where KAIROS_ALLOW_AS_OF is set, default now"
        ),
    ] = None

    model_config = Request.model_config | {
        "json_schema_extra": {"examples": [{"window": {"from": "2026-11-21T00:00:00Z"}, "min_value": "20.00"}]}
    }


class AbandonedItem(BaseModel):
    """One product that was left behind."""

    item_id: str
    quantity: float
    price: Amount | None


class AbandonedTrigger(BaseModel):
    """As `POST /v1/decisions` takes it."""

    id: str
    type: str
    at: datetime


class AbandonedCart(BaseModel):
    """One cart that lies abandoned. `value` is null unless all prices are known, in one `currency`."""

    subject: Subject
    trigger: AbandonedTrigger
    value: Amount | None
    currency: str | None
    items: list[AbandonedItem]
    checkout_step: int | None
    started_at: datetime
    changed_at: datetime


class AbandonedAnswer(BaseModel):
    """A page of carts, those first that were abandoned first. Ask on until `next_cursor` is null."""

    carts: list[AbandonedCart]
    next_cursor: str | None

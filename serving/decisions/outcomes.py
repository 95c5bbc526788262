"""Use case: what came of a message, told by the engine that sent it. Rewards are computed from the log, never here."""

from datetime import datetime

from fastapi import APIRouter, Request

from features.answers import Windowed
from features.events import Body, Event
from features.log import Record, from_record, microseconds
from serving.decisions.activations import activation_key
from serving.decisions.event_schemas import OutcomeRequest, OutcomeType, Told
from serving.decisions.told import event_about, find_decision, keep, moment_told
from serving.openapi import problems
from serving.resources import Resources

router = APIRouter(tags=["decisions"])
_EVENTS: dict[OutcomeType, str] = {
    "delivered": "message_delivered",
    "opened": "message_opened",
    "clicked": "message_clicked",
    "converted": "message_converted",
    "unsubscribed": "unsubscribed",
    "complained": "message_marked_as_spam",
    "bounced": "message_bounced",
}


@router.post(
    "/v1/outcomes",
    status_code=202,
    responses=problems(
        "malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited", "unknown_decision"
    ),
)
async def outcome(request: Request, body: OutcomeRequest) -> Told:
    """A message was delivered, opened, clicked …; it may be told before its activation is.

    Whoever unsubscribes or complains gets nothing more by that channel from then on.
    """
    resources: Resources = request.app.state.resources
    record, decision = await resources.in_thread(find_decision, resources, body.decision_id)
    occurred_at = moment_told(resources, body.occurred_at, "/occurred_at", decision.at)
    activation = await resources.in_thread(resources.events.log.find, activation_key(body.decision_id))
    channel = decision.gist.channel if activation is None else from_record(activation).body.channel
    return Told(new=await keep(resources, _event(record, decision, body, occurred_at, channel, resources.clock())))


def _event(
    record: Record, decision: Windowed, body: OutcomeRequest, at: datetime, channel: str | None, now: datetime
) -> Event:
    said = Body(
        channel=channel,
        decision_id=decision.id,
        machine=body.machine,
        total=body.value,
        currency=body.currency,
    )
    return event_about(record, _key(body), _EVENTS[body.type], at, now, said)


def _key(body: OutcomeRequest) -> str:
    """Told without an id and a time, an outcome counts once a decision: nobody could tell a second one from a retry."""
    told = f"{body.decision_id}:{body.type}" + (":machine" if body.machine else "")
    if body.message_id is not None:
        return f"{told}:id:{body.message_id}"
    return told if body.occurred_at is None else f"{told}:at:{microseconds(body.occurred_at)}"

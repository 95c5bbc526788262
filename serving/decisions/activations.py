"""Use case: a message went out. Only then does its decision teach anything, and only then does it count as sent."""

from fastapi import APIRouter, Request

from features.events import Body
from features.fields import EventRejected
from features.log import from_record
from serving.decisions.event_schemas import ActivationAnswer, ActivationRequest
from serving.decisions.told import event_about, find_decision, keep, moment_told
from serving.openapi import problems
from serving.resources import Resources

router = APIRouter(tags=["decisions"])


@router.post(
    "/v1/activations",
    status_code=202,
    responses=problems(
        "malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited", "unknown_decision"
    ),
)
async def activate(request: Request, body: ActivationRequest) -> ActivationAnswer:
    """The message of a decision was sent. The first activation of a decision stands, and the answer says which it is.

    One by another channel than the decided one is taken as told, as it counts against caps; nothing is learned from it.
    """
    resources: Resources = request.app.state.resources
    record, decision = await resources.in_thread(find_decision, resources, body.decision_id)
    channel = body.channel or decision.gist.channel
    if channel is None:
        detail = "the decision was not to send; name the channel if a message went out all the same"
        raise EventRejected("/channel", "missing", detail)
    sent_at = moment_told(resources, body.sent_at, "/sent_at", decision.at)
    key = activation_key(body.decision_id)
    told = Body(channel=channel, decision_id=body.decision_id, provider_message_id=body.provider_message_id)
    new = await keep(resources, event_about(record, key, "message_sent", sent_at, resources.clock(), told))
    standing = None if new else await resources.in_thread(resources.events.log.find, key)
    if standing is not None:
        first = from_record(standing)
        sent_at, channel = first.occurred_at, first.body.channel or channel
    return ActivationAnswer(decision_id=body.decision_id, new=new, sent_at=sent_at, channel=channel)


def activation_key(decision_id: str) -> str:
    """The message id of the one activation that a decision may have over HTTP."""
    return f"{decision_id}:activation"

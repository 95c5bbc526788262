"""Use case: somebody agreed to be written to, or withdrew. It holds for the very next decision and check."""

import hashlib

import msgspec
from fastapi import APIRouter, Request

from features.events import Body, Event
from features.log import microseconds
from features.privacy.personal import PURPOSE
from serving.decisions.event_schemas import ConsentAnswer, ConsentRequest
from serving.decisions.told import keep, moment_told
from serving.openapi import problems
from serving.resources import Resources

router = APIRouter(tags=["decisions"])


@router.post(
    "/v1/consents",
    status_code=202,
    responses=problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited"),
)
async def consent(request: Request, body: ConsentRequest) -> ConsentAnswer:
    """Consent for a channel and a purpose. The last word by its time holds; of two at one moment the withdrawal.

    A channel or a purpose that the action bank does not name is taken, as the bank may come to name it, and the answer
    says so.
    """
    resources: Resources = request.app.state.resources
    at = moment_told(resources, body.at, "/at", None)
    user_id = body.subject.user_id
    anonymous_id = body.subject.anonymous_id if user_id is None else None
    said = user_id, anonymous_id, body.channel, body.purpose, body.consent, microseconds(at)
    event = Event(
        message_id=f"consent:{hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()}",
        type="consent_changed",
        occurred_at=at,
        received_at=resources.clock(),
        user_id=user_id,
        anonymous_id=anonymous_id,
        body=Body(channel=body.channel, purpose=body.purpose, consent=body.consent),
    )
    channels, purposes = resources.bank.channels(), resources.bank.purposes()
    return ConsentAnswer(
        new=await keep(resources, event),
        channel_known=channels is None or body.channel in channels or body.purpose == PURPOSE,
        purpose_known=purposes is None or not body.purpose or body.purpose in purposes,
    )

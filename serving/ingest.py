"""Use case: take events in. A message is acknowledged only when it is on disk; a message id counts once.

The log comes first, then the identities: they are a projection of the log, and seeing an event twice changes nothing
there, so whoever sends again after a failure in between heals it.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, get_args

import msgspec
from fastapi import APIRouter, Request

from features.arrivals import Why, reason_of, type_of
from features.events import Call, Event
from features.fields import EventRejected, time
from features.log import to_record
from features.segment import parse
from serving.event_schemas import Accepted, EventVerdict, RejectedEvent, Verdicts
from serving.lane import Hot
from serving.openapi import BATCH, MESSAGE, body, problems
from serving.problems import InvalidField, Refused
from serving.resources import Resources

MOST_MESSAGES = 5_000
"""In one batch: half a megabyte of empty messages would else keep everybody waiting for seconds."""

_MOST_ERRORS = 100
_ARCHIVED = "/v1/import"
_OBJECT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])

router = APIRouter(tags=["events"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@dataclass(frozen=True)
class _Read:
    """What became of one message: an event, a rejection, or neither when it is outside our vocabulary or of somebody
    who is `suppressed`."""

    index: int
    event: Event | None
    rejection: EventRejected | None
    suppressed: bool = False
    type: str = ""
    """As far as it could be told."""


def _single(call: str) -> Callable[[Request, dict[str, Any]], Awaitable[Accepted]]:
    async def take(request: Request, message: dict[str, Any]) -> Accepted:
        return await _take(request.app.state.resources, message, call)

    return take


async def _take(resources: Resources, message: Mapping[str, Any], call: str) -> Accepted:
    read = list(_parse(resources, [message], call, {}))
    if rejection := read[0].rejection:
        resources.metrics.events.add("rejected")
        resources.arrivals.add(_refusals(read))
        raise rejection
    return await _accept(resources, read)


for _call in get_args(Call):
    router.add_api_route(
        f"/v1/{_call}",
        _single(_call),
        methods=["POST"],
        name=_call,
        description=f"One `{_call}` message of Segment's or RudderStack's trackers.",
        responses=_PROBLEMS,
        openapi_extra=body(MESSAGE),
    )


@router.post("/v1/batch", responses=_PROBLEMS, openapi_extra=body(BATCH))
@router.post("/v1/import", responses=_PROBLEMS, openapi_extra=body(BATCH), name="import")
async def batch(request: Request, envelope: dict[str, Any]) -> Accepted:
    """Many messages. The good ones get in, the others are named in `rejected`; if all are bad, that is a 422.

    Clocks of senders are set right by `sentAt`, but not on `/v1/import`: what happened long ago keeps its time.
    """
    return await _take_batch(request.app.state.resources, envelope, request.url.path == _ARCHIVED)


async def _take_batch(resources: Resources, envelope: Mapping[str, Any], archived: bool = False) -> Accepted:
    read = list(_parse(resources, _messages(envelope), None, envelope, archived))
    rejected = [entry for entry in read if entry.rejection]
    resources.metrics.events.add("rejected", amount=len(rejected))
    if rejected:
        resources.arrivals.add(_refusals(rejected))
    if rejected and len(rejected) == len(read):
        errors = [
            InvalidField(pointer=f"/batch/{entry.index}{error.pointer}", code=error.code, detail=error.detail)
            for entry in rejected
            if (error := entry.rejection)
        ]
        raise Refused("validation_error", f"All {len(read)} messages are wrong", errors[:_MOST_ERRORS])
    return await _accept(resources, read)


_Take = Callable[[Resources, dict[str, Any]], Awaitable[Accepted]]


def _hot(take: _Take) -> Hot[dict[str, Any]]:
    async def answer(resources: Resources, message: dict[str, Any]) -> bytes:
        return (await take(resources, message)).model_dump_json().encode()

    return Hot(_OBJECT.decode, answer)


HOT = {
    **{("POST", f"/v1/{_call}"): _hot(partial(_take, call=_call)) for _call in get_args(Call)},
    ("POST", "/v1/batch"): _hot(_take_batch),
}


@router.post("/v1/events/validate", responses=_PROBLEMS, openapi_extra=body({"anyOf": [MESSAGE, BATCH]}))
async def validate(request: Request, envelope: dict[str, Any]) -> Verdicts:
    """A dry run: what would become of each message, and which of its items the catalogue lacks. Nothing is kept."""
    resources: Resources = request.app.state.resources
    messages = _messages(envelope) if "batch" in envelope else [envelope]
    return Verdicts(events=[_verdict(resources, read) for read in _parse(resources, messages, None, envelope)])


def _messages(envelope: Mapping[str, Any]) -> list[Any]:
    messages = envelope.get("batch")
    if not isinstance(messages, list):
        code = "missing" if messages is None else "wrong_type"
        raise EventRejected("/batch", code, "batch must be a list of messages")
    if len(messages) > MOST_MESSAGES:
        raise EventRejected("/batch", "too_long", f"batch has {len(messages)} messages; send {MOST_MESSAGES} at most")
    return messages


def _sent_at(envelope: Mapping[str, Any]) -> datetime | None:
    """When the sender's clock says the batch left; one that cannot be read is no reason to lose good events."""
    try:
        return time(envelope, "sentAt", "")
    except EventRejected:
        return None


def _parse(
    resources: Resources, messages: Sequence[Any], call: str | None, envelope: Mapping[str, Any], archived: bool = False
) -> Iterator[_Read]:
    received_at = resources.clock()
    tolerance = timedelta(seconds=resources.settings.future_tolerance_seconds)
    sent_at = _sent_at(envelope)
    shared = envelope.get("context")
    for index, message in enumerate(messages):
        try:
            if not isinstance(message, dict):
                raise EventRejected("", "wrong_type", "a message must be an object")
            named = {**message, "messageId": message.get("messageId") or uuid.uuid4().hex}
            if archived:
                named.setdefault("receivedAt", received_at.isoformat())
            if isinstance(shared, dict) and isinstance(own := message.get("context") or {}, dict):
                named["context"] = {**shared, **own}
            event = parse(named, call, received_at, sent_at, tolerance)
            admitted = event and resources.privacy.admitted(event)
            yield _Read(index, admitted, None, event is not None and admitted is None)
        except EventRejected as rejection:
            told = (
                type_of(message.get("event") if call in (None, "track") else call) if isinstance(message, dict) else ""
            )
            yield _Read(index, None, rejection, type=told)


async def _accept(resources: Resources, read: Sequence[_Read]) -> Accepted:
    events = [entry.event for entry in read if entry.event]
    new: list[bool] = []
    if events:
        new = await resources.events.written([to_record(event) for event in events])
        linking = [event for event in events if event.type == "aliased" or (event.user_id and event.anonymous_id)]
        if linking and resources.events.breaker.state == "closed":  # else whoever replays the journal learns them
            await resources.in_thread(resources.identities.observe, linking)
    rejected = [
        RejectedEvent(index=entry.index, pointer=error.pointer, code=error.code, detail=error.detail)
        for entry in read
        if (error := entry.rejection)
    ]
    answer = Accepted(
        accepted=sum(new),
        duplicates=len(new) - sum(new),
        ignored=len(read) - len(events) - len(rejected),
        rejected=rejected,
    )
    suppressed = sum(entry.suppressed for entry in read)
    resources.arrivals.add(_passed_over(read, events, new))
    counts = {
        "accepted": answer.accepted,
        "duplicate": answer.duplicates,
        "ignored": answer.ignored - suppressed,
        "suppressed": suppressed,
    }
    for verdict, count in counts.items():
        if count:
            resources.metrics.events.add(verdict, amount=count)
    return answer


def _refusals(read: Sequence[_Read]) -> Iterator[Why]:
    for entry in read:
        if error := entry.rejection:
            yield Why("rejected", reason_of(error.code, error.pointer), entry.type)


def _passed_over(read: Sequence[_Read], events: Sequence[Event], new: Sequence[bool]) -> Iterator[Why]:
    for event, is_new in zip(events, new, strict=True):
        if not is_new:
            yield Why("duplicate", "", event.type)
    for entry in read:
        if entry.event is None and entry.rejection is None and not entry.suppressed:
            yield Why("ignored")


def _verdict(resources: Resources, read: _Read) -> EventVerdict:
    if error := read.rejection:
        return EventVerdict(
            index=read.index, verdict="rejected", pointer=error.pointer, code=error.code, detail=error.detail
        )
    event = read.event
    if event is None:
        told = "its person is suppressed" if read.suppressed else "the event is outside our vocabulary"
        return EventVerdict(index=read.index, verdict="ignored", detail=told)
    products = resources.champion.shelf.products
    unknown = sorted({line.product_id for line in event.body.lines if line.product_id not in products})
    return EventVerdict(
        index=read.index,
        verdict="accepted",
        type=event.type,
        occurred_at=event.occurred_at,
        items=len(event.body.lines),
        unknown_items=unknown,
    )

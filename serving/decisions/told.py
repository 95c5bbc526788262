"""Taking in what engines tell about decisions: as events of the person whom the decision is about, on disk first.

The key of each follows from what is told, so whoever tells it again, in vain or at the same time, changes nothing.
"""

from datetime import UTC, datetime, timedelta

from features.answers import Windowed
from features.decisions import DECISION
from features.events import Body, Event
from features.fields import EventRejected
from features.log import Record, to_record
from serving.decisions.silenced import SUPPRESSED
from serving.problems import Refused
from serving.resources import Resources


def find_decision(resources: Resources, decision_id: str) -> tuple[Record, Windowed]:
    """The record of a decision, and what of it matters for events. Raises `Refused` when there is none of this id."""
    record = resources.decisions.log.find(decision_id)
    if record is None or record.type != DECISION:
        raise Refused("unknown_decision", "")
    return record, Windowed.of(record)


def moment_told(resources: Resources, given: datetime | None, pointer: str, earliest: datetime | None) -> datetime:
    """The time that was told, or now; clocks may differ by the tolerance that events have.

    What was before `earliest`, within the tolerance, was then. Raises `EventRejected` beyond it.
    """
    now = resources.clock()
    tolerance = timedelta(seconds=resources.settings.future_tolerance_seconds)
    if given is None:
        return now
    if given > now + tolerance:
        raise EventRejected(pointer, "in_future", "this lies in the future; is the sender's clock right?")
    if earliest is None:
        return given.astimezone(UTC)
    if given < earliest - tolerance:
        detail = f"this lies before the decision, which was made at {earliest.isoformat(timespec='seconds')}"
        raise EventRejected(pointer, "before_decision", detail)
    return max(given, earliest).astimezone(UTC)


def event_about(
    record: Record, key: str, type_: str, occurred_at: datetime, received_at: datetime, body: Body
) -> Event:
    """An event of the person of a decision: the customer, or the visitor of whom nothing else is known."""
    return Event(
        message_id=key,
        type=type_,
        occurred_at=occurred_at,
        received_at=received_at,
        user_id=record.user_id,
        anonymous_id=record.anonymous_id if record.user_id is None else None,
        body=body,
    )


async def keep(resources: Resources, event: Event) -> bool:
    """Commit an event; whether it is new. Of somebody who is suppressed nothing is kept.

    A request that is given up does not take back what is being written.
    """
    admitted = resources.privacy.admitted(event)
    if admitted is None:
        resources.metrics.events.add(SUPPRESSED)
        return False
    (new,) = await resources.events.written([to_record(admitted)])
    resources.metrics.events.add("accepted" if new else "duplicate")
    return new

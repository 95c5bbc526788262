"""Events of a shop that count what came in, for tests."""

from datetime import UTC, datetime, timedelta

from features.activity import Activity
from features.events import Body, Event, Line
from features.log import Record, to_record

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def event(
    number: int, kind: str = "product_viewed", late: timedelta = timedelta(), hours: int = 0, *items: str
) -> Record:
    """One event that came `hours` after noon, `late` after it happened."""
    received = NOW + timedelta(hours=hours)
    body = Body(lines=tuple(Line(product_id=item) for item in items))
    return to_record(
        Event(
            message_id=str(number), type=kind, occurred_at=received - late, received_at=received, user_id="u", body=body
        )
    )


def everything(found: Activity) -> None:
    """Count until nothing waits."""
    while found.step():
        pass

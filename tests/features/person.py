"""Events of one person, for tests: minutes after a start, and what was said."""

from datetime import UTC, datetime, timedelta
from typing import Any

from features.events import Body, Event, Line

START = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(type_: str, minutes: float, *products: Any, **said: Any) -> Event:
    """An event at so many minutes; products are ids or `Line`s, `user`, `visitor` and `id` are of the event itself."""
    user, visitor = said.pop("user", "u1"), said.pop("visitor", None)
    lines = tuple(one if isinstance(one, Line) else Line(product_id=one) for one in products)
    named = said.pop("id", None) or f"{type_}-{minutes}-{user}-{visitor}-{'-'.join(line.product_id for line in lines)}"
    return Event(
        message_id=named,
        type=type_,
        occurred_at=at(minutes),
        received_at=at(minutes),
        user_id=user,
        anonymous_id=visitor,
        body=Body(lines=lines, **said),
    )

"""The lives of one person's carts of one kind: when each began, changed, was left behind and ended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from features.cart_kinds import CHECKOUT, Kind
from features.cart_lines import CartLine, HeldLines
from features.events import EVENT_TYPES, Event

State = Literal["active", "idle", "abandoned", "ordered", "recovered", "emptied", "expired"]


@dataclass(frozen=True)
class Life:
    """A cart without its id: see `features.carts.Cart`. `began_by` is the message id of the event that began it."""

    began_by: str
    started_at: datetime
    changed_at: datetime
    seen_at: datetime
    lines: tuple[CartLine, ...]
    state: State = "active"
    name: str | None = None
    checkout_step: int | None = None
    abandoned_at: datetime | None = None
    closed_at: datetime | None = None
    ordered_by: str | None = None


def lives(events: Iterable[Event], now: datetime, idle: timedelta, ttl: timedelta, kind: Kind) -> list[Life]:
    """Every life until `now`, oldest first; only the last one can still be open. No message id may be there twice."""
    fold = _Fold(kind, idle, ttl)
    for event in sorted(events, key=_when):
        fold.take(event)
    return fold.until(now)


def _when(event: Event) -> tuple[datetime, bool, str]:
    """Of what happened at one moment an order comes last: whatever was put in with it was bought by it."""
    return event.occurred_at, event.type == "order_completed", event.message_id


class _Fold:
    """What the events until now have made of one kind of cart. Something is held exactly while a life is open."""

    def __init__(self, kind: Kind, idle: timedelta, ttl: timedelta) -> None:
        self.kind = kind
        self.idle = idle
        self.ttl = ttl
        self._held = HeldLines()
        self._life: Life | None = None
        self._closed: list[Life] = []
        self._reported: list[Event] = []
        self._ordered: set[tuple[str | None, str]] = set()

    def take(self, event: Event) -> None:
        """The next event, which did not happen before any that was taken."""
        self._pass_time(event.occurred_at)
        self._held.meet(event)
        touches = self._touches(event)
        if touches and self.kind.sessions and self._life is not None and self._life.abandoned_at is not None:
            self._empty("expired", event.occurred_at)
        self._see(event, touches)
        if event.type == "order_completed":
            self._order(event)
        elif event.type in self.kind.ends:
            self._empty("emptied", event.occurred_at)
        elif touches:
            self._touch(event)

    def until(self, now: datetime) -> list[Life]:
        """Every life as it is at `now`."""
        self._pass_time(now)
        life = self._life
        if life is None:
            return self._closed
        gone = life.seen_at + self.idle <= now
        state: State = "abandoned" if gone else "idle" if life.changed_at + self.idle <= now else "active"
        return [*self._closed, replace(life, state=state)]

    def _pass_time(self, now: datetime) -> None:
        if self._life is None:
            return
        gone_at = self._life.seen_at + self.idle
        if gone_at <= now:
            self._life = replace(self._life, abandoned_at=gone_at)
        if gone_at + self.ttl <= now:
            self._empty("expired", gone_at + self.ttl)

    def _see(self, event: Event, touches: bool) -> None:
        life = self._life
        if life is None or not EVENT_TYPES[event.type].activity:
            return
        if touches or event.occurred_at < life.seen_at + self.idle:
            self._life = replace(life, seen_at=event.occurred_at)

    def _touches(self, event: Event) -> bool:
        if event.type in self.kind.takes:
            held = {line.product_id for line in self._life.lines} if self._life is not None else set()
            return any(line.product_id in held for line in event.body.lines)
        return event.type in self.kind.touch

    def _touch(self, event: Event) -> None:
        if event.type in self.kind.fills:
            self._held.put(event, self.kind.counted)
        elif event.type in self.kind.takes:
            self._held.take(event, self.kind.counted)
        elif event.body.lines:
            self._held.tell(event)
        self._go_on(event)
        life = self._life
        if life is None:
            return
        step = life.checkout_step
        if event.type in CHECKOUT:
            step = max(step or 1, event.body.checkout_step or 1)
        name = life.name or event.body.cart_id
        self._life = replace(life, changed_at=event.occurred_at, name=name, checkout_step=step)

    def _order(self, event: Event) -> None:
        order, life = event.body.order_id, self._life
        if life is None:
            self._reported.append(event)  # looked at once there is a cart that another report of it could end
            return
        for earlier in self._reported:
            self._ordered.update((earlier.body.order_id, line.product_id) for line in earlier.body.lines)
        self._reported.clear()
        bought = {line.product_id for line in event.body.lines if (order, line.product_id) not in self._ordered}
        self._ordered |= {(order, id_) for id_ in bought}
        whole = event.type in self.kind.ends
        if not bought or not (whole or bought & {line.product_id for line in life.lines}):
            return
        self._end("ordered" if life.abandoned_at is None else "recovered", event.occurred_at, order)
        if whole:
            self._held.clear()
        self._held.bought(bought)
        self._go_on(event)

    def _go_on(self, event: Event) -> None:
        """Begin, keep or end a life by what is held now."""
        lines, at = self._held.lines(), event.occurred_at
        if not lines:
            self._empty("emptied", at)
        elif self._life is None:
            self._life = Life(event.message_id, at, at, at, lines)
        else:
            self._life = replace(self._life, lines=lines)

    def _empty(self, state: State, at: datetime) -> None:
        self._held.clear()
        self._end(state, at)

    def _end(self, state: State, at: datetime, order: str | None = None) -> None:
        life, self._life = self._life, None
        if life is not None:
            self._closed.append(replace(life, state=state, closed_at=at, ordered_by=order))

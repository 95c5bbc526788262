"""Who was drawn into which group when, and what each customer bought before and since: what uplift is counted from.

A customer enters with the first decision, in the group that the hash chose, and counts with all orders of the days
behind it, whatever was sent or clicked. Entries never change once the days are over, and come in the order of time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
import numpy as np

from features.decisions import DECISION, Terms
from features.kept_orders import KeptOrder, kept_orders
from features.log import Log, Record, from_record, microseconds, moment
from features.people import people_of, records_of
from features.person import Person
from features.purchases import ORDER_EVENTS
from models.arrays import Floats, Ids, Mask
from training.policy.dataset import Logs
from training.policy.groups import OFF

_MICROSECONDS_A_DAY = 86_400e6
_AT_ONCE = 2_000
_ERASED = '"came":'
"""What only a tombstone holds: of somebody who was erased no orders are known any more."""


class _Gist(msgspec.Struct, frozen=True):
    decision_point: str
    arm: str
    mode: str
    terms: Terms


_GIST = msgspec.json.Decoder(_Gist)


@dataclass(frozen=True)
class Entrants:
    """n customers in the order in which they entered, `at` in days since 1970, each in the group `arms`.

    `orders` and `revenue` are of the `days` from then on, as far as they are known at `as_of`; the past ones are of
    `history_days` before. Revenue is what was paid in `currency`, less what was returned and given away;
    `foreign_orders` were paid in others. `decisions` is from how many decisions they were found.
    """

    customer_ids: Ids
    arms: Ids
    at: Floats
    orders: Floats
    revenue: Floats
    past_orders: Floats
    past_revenue: Floats
    currency: str | None
    foreign_orders: int
    days: float
    history_days: float
    as_of: datetime
    decisions: int

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def mature(self) -> Mask:
        """Whose days are over."""
        return np.asarray(self.at + self.days <= microseconds(self.as_of) / _MICROSECONDS_A_DAY, bool)


@dataclass(frozen=True)
class _Entry:
    person: Person
    arm: str
    at: datetime
    currency: str | None


def entrants(
    logs: Logs, point: str, as_of: datetime, days: float = 14.0, history_days: float = 90.0, after: int = 0
) -> Entrants:
    """Everybody about whom was decided at `point` before `as_of`, behind position `after` of the decision log."""
    found, decisions = _entries(logs, point, as_of, after)
    entries = sorted(found.values(), key=lambda one: (one.at, one.person.customer_id))
    bought = _bought(logs.events, entries, as_of, history_days)
    currency = _usual([one.currency for one in entries], [order for orders in bought.values() for order in orders])
    since, before = timedelta(days=days), timedelta(days=history_days)
    sums, foreign = np.zeros((len(entries), 4)), 0
    for row, entry in enumerate(entries):
        for order in bought.get(entry.person.customer_id, ()):
            own = order.currency in (None, currency)
            paid = max(float(order.value - order.discount), 0.0) if own else 0.0
            if entry.at <= order.at < entry.at + since:
                sums[row, :2] += 1.0, paid
                foreign += not own
            elif entry.at - before <= order.at < entry.at:
                sums[row, 2:] += 1.0, paid
    return Entrants(
        customer_ids=np.array([one.person.customer_id for one in entries], object),
        arms=np.array([one.arm for one in entries], object),
        at=np.array([microseconds(one.at) for one in entries], np.float64) / _MICROSECONDS_A_DAY,
        orders=sums[:, 0],
        revenue=sums[:, 1],
        past_orders=sums[:, 2],
        past_revenue=sums[:, 3],
        currency=currency,
        foreign_orders=foreign,
        days=days,
        history_days=history_days,
        as_of=as_of,
        decisions=decisions,
    )


def _entries(logs: Logs, point: str, as_of: datetime, after: int) -> tuple[dict[str, _Entry], int]:
    """The first decision about each person that was made while the point was on, and of how many."""
    firsts: dict[tuple[str | None, str | None], tuple[int, _Gist]] = {}
    before, decisions = microseconds(as_of), 0
    for batch in logs.decisions.scan(after, None, _AT_ONCE):
        for record in batch:
            gist = _told(record, point, before)
            if gist is None:
                continue
            decisions += 1
            subject = record.user_id, record.anonymous_id if record.user_id is None else None
            if subject not in firsts or record.occurred_at < firsts[subject][0]:
                firsts[subject] = record.occurred_at, gist
    people = people_of(logs.identities, firsts.keys())
    found: dict[str, _Entry] = {}
    for subject, (at, gist) in sorted(firsts.items(), key=lambda one: one[1][0]):
        person = people[subject]
        found.setdefault(person.customer_id, _Entry(person, gist.arm, moment(at), gist.terms.currency))
    return found, decisions


def _told(record: Record, point: str, before: int) -> _Gist | None:
    if record.type != DECISION or record.occurred_at >= before or _ERASED in record.payload:
        return None
    gist = _GIST.decode(record.payload)
    return gist if gist.decision_point == point and gist.mode != OFF else None


def _bought(events: Log, entries: Sequence[_Entry], as_of: datetime, history_days: float) -> dict[str, list[KeptOrder]]:
    if not entries:
        return {}
    since = entries[0].at - timedelta(days=history_days)
    found = {}
    for person, records in records_of(events, [one.person for one in entries], ORDER_EVENTS, since):
        known = [event for event in map(from_record, records) if event.occurred_at <= as_of]
        if known:
            found[person.customer_id] = kept_orders(known)
    return found


def _usual(told: Sequence[str | None], orders: Sequence[KeptOrder]) -> str | None:
    """The currency that most decisions name, else that of most orders; None where nobody names one."""
    for named in (told, [order.currency for order in orders]):
        if known := Counter(currency for currency in named if currency is not None):
            return known.most_common(1)[0][0]
    return None

"""What was promised of each incentive on a day of the shop: read from the decision log, reserved when it is decided.

A promise counts in full when the decision is made, whether or not anybody buys: a budget bounds what the shop may have
to give, and unspent money is a smaller error than overspent. Within a process nothing is promised twice: all that a
decision may still choose is held for it until it is drawn, also of those that are made together. Several processes may
together exceed a budget by what each decides between two looks at the log.
"""

import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from features.decisions import DECISION, Option
from features.log import Log, Record, microseconds, moment
from serving.decisions.past import Past
from serving.decisions.zones import zone_named

_BATCH = 10_000
_KEPT_DAYS = 3
_LATE = timedelta(hours=1)
"""A record may be written so long after the moment for which it was decided."""


@dataclass
class _Day:
    promised: dict[str, float] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)
    messages: int = 0

    def count(self, option: Option) -> None:
        self.messages += 1
        if option.incentive:
            self.promised[option.incentive] = self.promised.get(option.incentive, 0.0) + option.discount
            self.carried[option.incentive] = self.carried.get(option.incentive, 0) + 1


@dataclass(frozen=True)
class Spending:
    """Of one day: what was `promised` of each incentive, how many messages carry it, and how many there are in all.

    `changes` tells whether something was promised in this process since.
    """

    promised: Mapping[str, float] = field(default_factory=dict)
    carried: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0
    changes: int = field(default=0, compare=False)


class Budgets:
    """Follows the decision log. `zone` is the shop's: its midnight begins a new budget."""

    def __init__(self, decisions: Log, zone: str) -> None:
        self.decisions = decisions
        self.zone = zone_named(zone)
        self._lock = threading.Lock()
        self._after: int | None = None
        self._days: dict[date, _Day] = {}
        self._reserved: dict[str, tuple[date, Option]] = {}
        self._held: dict[date, dict[str, list[float]]] = {}
        self._changes = 0

    def today(self, now: datetime) -> Spending:
        """What was promised on the day of `now`: up to the newest record of the log, and what is reserved."""
        with self._lock:
            self._catch_up(now)
            today = self._day(now)
            counted = deepcopy(self._days.get(today, _Day()))
            oldest = today - timedelta(days=_KEPT_DAYS)  # what was never written, as nobody waited for it
            self._reserved = {key: kept for key, kept in self._reserved.items() if kept[0] >= oldest}
            for day, option in self._reserved.values():
                if day == today:
                    counted.count(option)
            for name, discounts in self._held.get(today, {}).items():
                counted.promised[name] = counted.promised.get(name, 0.0) + sum(discounts)
                counted.carried[name] = counted.carried.get(name, 0) + len(discounts)
            return Spending(counted.promised, counted.carried, counted.messages, self._changes)

    def hold(self, discounts: Mapping[str, float], now: datetime, seen: Spending) -> bool:
        """Set aside what one decision may promise, by incentive, as long as it is not drawn.

        False, and nothing is held, when something was promised since `seen`: what may be offered is to be asked anew.
        """
        with self._lock:
            if seen.changes != self._changes:
                return False
            self._changes += 1
            held = self._held.setdefault(self._day(now), {})
            for name, discount in discounts.items():
                held.setdefault(name, []).append(discount)
            return True

    def give_back(self, discounts: Mapping[str, float], now: datetime) -> None:
        """What was held is held no longer. Reserve before what was chosen of it."""
        with self._lock:
            held = self._held[self._day(now)]
            for name, discount in discounts.items():
                held[name].remove(discount)
                if not held[name]:
                    del held[name]
            if not held:
                del self._held[self._day(now)]

    def reserve(self, decision_id: str, option: Option, now: datetime) -> None:
        """Count a message whose record is not on disk yet; the record takes the place of the reservation."""
        if option.channel is not None:
            with self._lock:
                self._reserved[decision_id] = self._day(now), option

    def release(self, decision_id: str) -> None:
        """Take a reservation back: somebody else decided first, or the decision could not be written."""
        with self._lock:
            self._reserved.pop(decision_id, None)

    def _catch_up(self, now: datetime) -> None:
        if self._after is None:
            midnight = datetime.combine(self._day(now), time(), self.zone)
            self._after = self.decisions.before(microseconds(midnight - _LATE))
        while records := self.decisions.read(self._after, _BATCH):
            for record in records:
                if record.type == DECISION:
                    self._count(record)
            self._after = records[-1].position
        for day in sorted(self._days)[:-_KEPT_DAYS]:
            del self._days[day]

    def _count(self, record: Record) -> None:
        option = Past.of(record).option
        self._reserved.pop(record.key, None)
        if option.channel is not None:
            self._days.setdefault(self._day(moment(record.occurred_at)), _Day()).count(option)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

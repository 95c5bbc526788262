"""Hours of the week, learned from when customers are there, judged on the last weeks, published; nothing goes live.

What can be judged without sending at random is whether the model knows when somebody will be there: the log
probability of the hours of later visits, a customer's mean each, against what is live or, where nothing is, against the
hours of the whole shop for everybody.
"""

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from features.not_yet import TooLittleYet
from features.reports.finding import Finding, difference, to_text
from models.arrays import Codes, Floats
from models.evidence import Evidence, Snapshot
from models.policies.hour_of_week import FittedHourOfWeek, HourOfWeek
from models.policies.rhythm import HOURS_OF_WEEK, Visits
from models.published import CHAMPION, Version
from models.registry import Registry
from training.bootstrap import Interval, paired

NAME = "send-time"
WINDOW = timedelta(weeks=4)
FEWEST = 100
"""Customers who came back in the window; of fewer nothing can be said."""

_SHOP = "the hours of the shop"
_HOUR = 3_600
_MONDAY = 72
"""Hours from the Monday before 1970 until 1970 began."""


@dataclass(frozen=True)
class Dated:
    """Visits in order of time: whose (`customers`, numbers from 0 on), `at` in seconds since 1970, `hours` (of the week
    on the shop's clock)."""

    customers: Codes
    at: Floats
    hours: Codes

    @classmethod
    def of(cls, visits: pa.Table, zone: ZoneInfo) -> "Dated":
        """From the columns customer_id and us (microseconds since 1970), one row an hour in which one was there."""
        at = visits["us"].to_numpy().astype(np.float64) / 1e6
        order = np.argsort(at, kind="stable")
        customers = visits["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy()
        clock, of = np.unique(at // _HOUR, return_inverse=True)
        offsets = np.array([_offset(hour * _HOUR, zone) for hour in clock.tolist()], np.float64)
        hours = ((at + offsets[of]) // _HOUR + _MONDAY) % HOURS_OF_WEEK
        return cls(customers[order].astype(np.int32), at[order], hours[order].astype(np.int32))

    def visits(self, until: float = np.inf) -> Visits:
        """Those before `until`; all customers are of one segment."""
        before = self.at < until
        everybody = np.zeros(int(self.customers.max(initial=-1)) + 1, np.int32)
        return Visits(self.customers[before], self.hours[before], everybody)

    def ever_came_back(self, fewest: int, window: float, until: float) -> bool:
        """Whether `fewest` customers, known by then, came in any of the windows of so many seconds before `until`."""
        first = np.full(int(self.customers.max(initial=-1)) + 1, np.inf)
        np.minimum.at(first, self.customers, self.at)
        back = np.floor((until - self.at) / window)  # a visit's window ends so many windows before `until`
        known = (self.at < until) & (first[self.customers] < until - (back + 1) * window)
        pairs = np.unique(np.stack([back[known], self.customers[known]]), axis=1)
        return bool((np.unique(pairs[0], return_counts=True)[1] >= fewest).any())


def _offset(at: float, zone: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


@dataclass(frozen=True)
class Trained:
    """A published version; `above` is by how much it knows the hours of later visits better than `opponent`."""

    version: Version
    opponent: str
    above: Interval
    customers: int

    @property
    def passed(self) -> bool:
        """Whether it may go live."""
        return self.above.low > 0


def train(
    visits: pa.Table,
    zone: ZoneInfo,
    registry: Registry,
    end: datetime,
    rng: np.random.Generator,
    window: timedelta = WINDOW,
) -> Trained:
    """Judge the hours on the last `window` before `end`, learn them from everything, publish them as challenger.

    Raises ValueError where too few customers came back in the window to judge by: TooLittleYet in a shop where there
    never were enough, as time alone mends that.
    """
    known, split = Dated.of(visits, zone), (end - window).timestamp()
    live = registry.alias(NAME, CHAMPION)
    recipe, before = HourOfWeek(), known.visits(split)
    opponent = registry.load(live).model if live else None
    mine, other = _foreseen(recipe.fit(before), opponent, known, before, split)
    if len(mine) < FEWEST:
        came = f"{len(mine)} known customers came back since {end - window:%Y-%m-%d}"
        needed = f"hours are judged by {FEWEST} at least"
        if not known.ever_came_back(FEWEST, window.total_seconds(), split):
            raise TooLittleYet(f"{came}; {needed}, so ingest more events")
        raise ValueError(f"{came}, though that many did before; {needed}, so see whether events still come in")
    above = paired(mine, other, rng)
    against = f"{NAME} {live.number}" if live else _SHOP
    passed = above.low > 0
    words = (
        f"log probability of the hours of later visits, {len(mine):,} customers, against {against}: {above}, "
        f"{'' if passed else 'not '}above 0"
    )
    told = Finding.of(
        "better_hours" if passed else "not_better_hours",
        {**difference(above), "customers": len(mine)},
        opponent=CHAMPION if live else _SHOP,
    )
    evidence = Evidence(
        parameters=asdict(recipe) | {"window_days": window.days, "zone": zone.key},
        metrics={"log_probability": float(mine.mean()), "above/mean": above.mean, "above/low": above.low},
        snapshot=_snapshot(known, end),
        card=f"# {NAME}\n\nWhen customers are there, on the clock of {zone.key}.\n\nGate: {words}.\n",
        tags={
            "gate": "passed" if passed else "refused",
            "gate.words": words,
            "gate.findings": to_text([told]),
            "gate.champion": live.number if live else "",
        },
    )
    version = registry.publish(NAME, recipe, recipe.fit(known.visits()), (), evidence)
    return Trained(version, against, above, len(mine))


def _foreseen(
    model: FittedHourOfWeek, opponent: FittedHourOfWeek | None, known: Dated, before: Visits, split: float
) -> tuple[Floats, Floats]:
    """The mean log probability of each returning customer's later visits, by `model` and by the opponent; of the shop's
    own hours where there is none. Who was never there before is nobody's to foresee."""
    counts = before.counts
    seen = np.asarray(counts.sum(axis=1)).ravel() > 0
    later = (known.at >= split) & seen[known.customers]
    who, row = np.unique(known.customers[later], return_inverse=True)
    number = np.bincount(row).astype(np.float64)

    def mean(shares: Floats) -> Floats:
        found: Floats = np.bincount(row, np.log(shares[row, known.hours[later]]), len(who)) / number
        return found

    given, everybody = counts[who].toarray(), np.zeros(len(who), np.int32)
    other = opponent.shares(given, everybody) if opponent else np.tile(model.shop, (len(who), 1))
    return mean(model.shares(given, everybody)), mean(other)


def _snapshot(known: Dated, end: datetime) -> Snapshot:
    hashed = hashlib.sha256()
    for array in (known.customers, known.at, known.hours):
        hashed.update(np.ascontiguousarray(array).tobytes())
    since = datetime.fromtimestamp(float(known.at[0]), UTC)
    customers = len(np.unique(known.customers))
    return Snapshot("visits", hashed.hexdigest()[:16], since, end, len(known.at), customers, 0)

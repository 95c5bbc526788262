"""What is known of each customer and unit that is watched, as of a day: the questions that a model answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Codes, Floats, Ids, Mask
from models.time_to_event.habits import own_habits
from models.time_to_event.intervals import own_intervals
from models.time_to_event.loyalty import loyalty
from models.time_to_event.purchases import Days, Purchases
from models.time_to_event.rhythm import rhythm
from models.time_to_event.runs import Runs


@dataclass(frozen=True)
class Watch:
    """Which pairs are asked about: bought on at least `purchases` days, last not more than `days` ago."""

    purchases: int = 2
    days: int = 120


@dataclass(frozen=True)
class Pairs:
    """One row a pair and day of asking. `columns` hold what is known at the end of `days` (rows,): see the files that
    they come from. Nothing in them is about other customers, so a row is the same alone and among many.
    """

    customers: Codes
    units: Codes
    days: Days
    columns: Mapping[str, Floats]
    unit_ids: Ids
    parents: Codes
    parent_ids: Ids

    def __len__(self) -> int:
        return len(self.units)

    @property
    def departments(self) -> Codes:
        """The department of each row: a code into `parent_ids`."""
        return np.asarray(self.parents[self.units], np.int32)

    def rows(self, kept: Mask | Codes) -> "Pairs":
        """Some of the rows."""
        columns = {name: column[kept] for name, column in self.columns.items()}
        return Pairs(
            self.customers[kept],
            self.units[kept],
            self.days[kept],
            columns,
            self.unit_ids,
            self.parents,
            self.parent_ids,
        )


def pairs_at(purchases: Purchases, day: int, watch: Watch = Watch()) -> Pairs:
    """The watched pairs at the end of `day`, sorted by customer and unit; what happens later has no part in them."""
    known = purchases.until(day)
    customers, units, own = own_intervals(known, day)
    runs = Runs.of(known.customers, known.units)
    own |= own_habits(known, runs) | loyalty(known, day, runs)
    own |= rhythm(known, day, customers, known.days[runs.starts], known.days[runs.ends])
    kept = (own["purchases"] >= watch.purchases) & (own["elapsed"] <= watch.days)
    columns = {name: column[kept] for name, column in own.items()}
    return Pairs(
        customers[kept],
        units[kept],
        np.full(int(kept.sum()), day, np.int32),
        columns,
        purchases.unit_ids,
        purchases.parents,
        purchases.parent_ids,
    )


def stacked(parts: Sequence[Pairs]) -> Pairs:
    """Pairs of several days under each other; all must speak of the same units."""
    first = parts[0]
    if any(part.unit_ids is not first.unit_ids for part in parts):
        raise ValueError("pairs of different units cannot be stacked; build them from the same purchases")
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns}
    return Pairs(
        np.concatenate([part.customers for part in parts]),
        np.concatenate([part.units for part in parts]),
        np.concatenate([part.days for part in parts]),
        columns,
        first.unit_ids,
        first.parents,
        first.parent_ids,
    )

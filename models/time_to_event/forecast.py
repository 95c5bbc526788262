"""Forecasts: for each customer and group, when it is needed again, how much, and whether we know that at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from models.arrays import Codes, Floats, Ids, Mask
from models.time_to_event.curves import due_within, quantile

Status = Literal["unknown", "lapsed", "overdue", "due", "upcoming"]
"""`unknown`: the evidence is thin, nothing is claimed; `lapsed`: probably no longer a buyer; `overdue`: later than
usual and still wanted; `due`: likely within a week; `upcoming`: later than that."""

ALTERNATIVES = 5
"""So many products of a group are named for each forecast, as the first may be out of stock."""

Confidence = Literal["none", "low", "medium", "high"]
"""`high` is claimed only for pairs that earned the word regular; `none` where the status is unknown."""


@dataclass(frozen=True)
class Forecasts:
    """One row a customer and group, as of the end of `day`, sorted by customer and group.

    `product_ids` is the product of the group that the customer would most likely take, `packs` how many of it.
    `curves` (rows, days + 1) is the probability that it has not been bought h days after `day`; 1 throughout where
    `status` is unknown. `evidence` holds the columns of `Pairs` that the words are made of. `missing` says in a code
    what a forecast lacks, "" where there is one. `trips` (customers, days + 1) is the curve of the next order at all.

    `alternatives` (rows, ALTERNATIVES) are products of the group, the likeliest first, None where it has no more, and
    `shares` the probability that each is the one that is taken. Both have no row where only the likeliest is known.
    """

    day: int
    customers: Codes
    unit_ids: Ids
    product_ids: Ids
    packs: Floats
    curves: Floats
    status: Ids
    confidence: Ids
    missing: Ids
    evidence: Mapping[str, Floats]
    trips: Floats
    alternatives: Ids = field(default_factory=lambda: np.empty((0, ALTERNATIVES), object))
    shares: Floats = field(default_factory=lambda: np.empty((0, ALTERNATIVES)))

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def known(self) -> Mask:
        """Where something is claimed."""
        return np.asarray(self.status != "unknown", bool)

    def rows(self, kept: Mask | Codes) -> "Forecasts":
        """Some of the rows; the trips stay those of all customers."""
        return Forecasts(
            self.day,
            self.customers[kept],
            self.unit_ids[kept],
            self.product_ids[kept],
            self.packs[kept],
            self.curves[kept],
            self.status[kept],
            self.confidence[kept],
            self.missing[kept],
            {name: column[kept] for name, column in self.evidence.items()},
            self.trips,
            self.alternatives[kept] if len(self.alternatives) else self.alternatives,
            self.shares[kept] if len(self.shares) else self.shares,
        )

    def due_within(self, days: int) -> Floats:
        """The probability (rows,) of a purchase within `days`."""
        return due_within(self.curves, days)

    def due_day(self, share: float = 0.5) -> Floats:
        """The day since 1970 (rows,) by which the purchase has happened with probability `share`; infinity for none."""
        return self.day + quantile(self.curves, share)

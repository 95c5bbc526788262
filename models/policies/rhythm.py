"""When people are there, and when they answered: what the hours of the week are learned from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.arrays import Codes, Mask

HOURS_OF_WEEK = 168


@dataclass(frozen=True)
class Visits:
    """Hours in which somebody was there of their own accord, each once a customer and hour of the calendar.

    `customers` and `hours` (visits): whose, and which hour of the week on their own clock, 0 for Monday's first.
    `segments` (customers) says which segment each customer is of. What followed a message does not belong here: it says
    when the shop wrote, and an opening by a mail proxy says not even that.
    """

    customers: Codes
    hours: Codes
    segments: Codes

    def __post_init__(self) -> None:
        if self.customers.shape != self.hours.shape:
            raise ValueError(f"{len(self.customers)} customers of visits, and {len(self.hours)} hours")
        _hours(self.hours)
        if len(self.customers) and not 0 <= self.customers.min() <= self.customers.max() < len(self.segments):
            raise ValueError(f"a customer of a visit is none of the {len(self.segments)} that have a segment")
        if len(self.segments) and self.segments.min() < 0:
            raise ValueError("segments count from 0; give those without one a segment of their own")

    @property
    def counts(self) -> csr_matrix:
        """How often each customer was there in each hour of the week, shape (customers, 168)."""
        ones = np.ones(len(self.hours))
        return csr_matrix((ones, (self.customers, self.hours)), shape=(len(self.segments), HOURS_OF_WEEK))


@dataclass(frozen=True)
class Replies:
    """Messages, and after how many whole hours somebody answered by opening, clicking or buying.

    `customers`, `hours` (of the week, when it was sent), `waits` (-1 where nobody has answered), `followed` (hours that
    we know of since then) and `randomised` (whether chance chose the hour): one a message. A time that somebody chose
    for a reason tells of the reason too, so only messages at random times are learned from.
    """

    customers: Codes
    hours: Codes
    waits: Codes
    followed: Codes
    randomised: Mask

    def __post_init__(self) -> None:
        arrays: tuple[NDArray[np.generic], ...] = (self.hours, self.waits, self.followed, self.randomised)
        if any(array.shape != self.customers.shape for array in arrays):
            raise ValueError("the parts of replies have different lengths")
        _hours(self.hours)
        if (self.waits >= self.followed).any():
            raise ValueError("somebody answered after the last hour that is known; followed must be longer")

    @classmethod
    def none(cls) -> "Replies":
        """Nothing was ever sent at random."""
        empty = np.empty(0, np.int32)
        return cls(empty, empty, empty, empty, np.empty(0, bool))

    @property
    def at_random(self) -> "Replies":
        """Those whose time chance chose."""
        kept = self.randomised
        return Replies(
            self.customers[kept], self.hours[kept], self.waits[kept], self.followed[kept], self.randomised[kept]
        )


def _hours(hours: Codes) -> None:
    if len(hours) and not 0 <= hours.min() <= hours.max() < HOURS_OF_WEEK:
        raise ValueError("hours of the week go from 0, Monday's first, to 167")

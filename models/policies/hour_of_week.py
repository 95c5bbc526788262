"""Which hours of the week are good to write to somebody: a hazard of answering, by the hours in which they are there.

A message waits until its reader is there, and fades while it waits. So the hazard of an answer k hours after sending is
how much of the message is left by then, times how often this customer is there in that hour of the week, times what
that hour is worth for answering (Cox's proportional hazards with a discrete clock). Written so, it asks in which hours
people act, given that a message lay there, and not in which hours messages were sent that somebody opened, which says
when the shop used to write.

What is known of one customer is little: their hours are shrunk to those of their segment, and these to the shop's, as
much as predicts best the visits that are left out (empirical Bayes by leave-one-out likelihood).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix

from models.arrays import Codes, Floats
from models.policies.rhythm import HOURS_OF_WEEK, Replies, Visits

_ROUNDS = 3
_CHUNK = 20_000
_LEAST, _MOST = np.log(0.5), np.log(5e4)
_TINY = 1e-300


@dataclass(frozen=True)
class FittedHourOfWeek:
    """`shop` (168) and `segments` (segments, 168) are shares of visits; `faded` (window) is how much of a message is
    left after k hours, `worth` (168) what an hour is worth for answering beyond how many are there; `weight` is how
    many visits a segment's hours count as, for one of its customers."""

    name: ClassVar[str] = "hour_of_week"
    smoothing: Floats
    shop: Floats
    segments: Floats
    weight: float
    faded: Floats
    worth: Floats

    def shares(self, counts: Floats, segments: Codes) -> Floats:
        """The share of each customer's visits that falls into each hour of the week, shape (n, 168), rows sum to 1.

        `counts` (n, 168) are the visits that are known, `segments` (n) their segments; the shop's hours stand in for a
        segment that is not known (-1, or one that came later).
        """
        known = (segments >= 0) & (segments < len(self.segments))
        pool = np.vstack([self.segments, self.shop])
        base = pool[np.where(known, segments, len(self.segments))]
        total = counts.sum(axis=1, keepdims=True)
        return np.asarray((counts @ self.smoothing + self.weight * base) / (total + self.weight), np.float64)

    def scores(self, counts: Floats, segments: Codes) -> Floats:
        """How good each hour of the week is to write to each of n customers, shape (n, 168).

        The log of the chance of an answer within the window, against that of the average hour: 0.1 is 10 % better.
        """
        rate = HOURS_OF_WEEK * self.shares(counts, segments) * self.worth
        chance = -np.expm1(-rate @ _later(self.faded).T)
        return np.asarray(np.log(chance) - np.log(chance.mean(axis=1, keepdims=True)), np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was fitted."""
        return {
            "smoothing": self.smoothing,
            "shop": self.shop,
            "segments": self.segments,
            "weight": np.array(self.weight),
            "faded": self.faded,
            "worth": self.worth,
        }


@dataclass(frozen=True)
class HourOfWeek:
    """A visit also speaks for the hours around it (`spread`, standard deviation in hours) and, with the share `alike`,
    for the same hour of the other working days or of the other day of the weekend.

    A message is followed for `window_hours`, and of it half is taken to be left after `half_life_hours` until messages
    at random times say otherwise; `answers` is how many of those it takes to believe them as much as that.
    """

    name: ClassVar[str] = "hour_of_week"
    spread: float = 1.0
    alike: float = 0.8
    window_hours: int = 48
    half_life_hours: float = 6.0
    chance: float = 0.1
    answers: float = 50.0

    def fit(self, visits: Visits, replies: Replies | None = None) -> FittedHourOfWeek:
        """Learn the hours of the shop and its segments, and what messages at random times add to them."""
        smoothing = _smoothing(self.spread, self.alike)
        counts = visits.counts
        each = np.asarray(counts.sum(axis=0), np.float64).ravel()
        even = np.full(HOURS_OF_WEEK, 1 / HOURS_OF_WEEK)
        shop = (each @ smoothing + HOURS_OF_WEEK * even) / (each.sum() + HOURS_OF_WEEK)
        segments = _segments(counts, visits.segments, shop, smoothing)
        weight = _weight(counts, segments[visits.segments] if len(segments) else segments, smoothing)
        blank = np.ones(HOURS_OF_WEEK)
        first = FittedHourOfWeek(smoothing, shop, segments, weight, self._fading(), blank)
        return self._answered(first, counts, visits.segments, (replies or Replies.none()).at_random)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedHourOfWeek:
        """The fitted model whose `arrays()` were saved."""
        fitted: dict[str, Any] = {**arrays, "weight": float(arrays["weight"])}
        return FittedHourOfWeek(**fitted)

    def _fading(self) -> Floats:
        """What is taken to be left of a message, so that `chance` is the chance of an answer within the window."""
        left = 0.5 ** (np.arange(self.window_hours) / self.half_life_hours)
        return np.asarray(-np.log1p(-self.chance) * left / left.sum(), np.float64)

    def _answered(
        self, model: FittedHourOfWeek, counts: csr_matrix, segments: Codes, replies: Replies
    ) -> FittedHourOfWeek:
        """What is left of a message and what an hour is worth, in turn, each as answers over what was to be expected.

        For `faded` this is Breslow's estimator; both are shrunk to what they were before anything was sent.
        """
        if not len(replies.customers):
            return model
        who, row = np.unique(replies.customers, return_inverse=True)
        rates = HOURS_OF_WEEK * model.shares(counts[who].toarray(), segments[who])
        prior, faded, worth = model.faded, model.faded, model.worth
        for _ in range(_ROUNDS):
            answered, exposed = np.zeros(self.window_hours), np.zeros(self.window_hours)
            of_hour, at_hour = np.zeros(HOURS_OF_WEEK), np.zeros(HOURS_OF_WEEK)
            for wait in range(self.window_hours):
                left = (replies.followed > wait) & ((replies.waits < 0) | (replies.waits >= wait))
                hour = (replies.hours[left] + wait) % HOURS_OF_WEEK
                rate = rates[row[left], hour]
                acted = replies.waits[left] == wait
                answered[wait], exposed[wait] = acted.sum(), (rate * worth[hour]).sum()
                of_hour += np.bincount(hour[acted], minlength=HOURS_OF_WEEK)
                at_hour += np.bincount(hour, rate * faded[wait], HOURS_OF_WEEK)
            believed = self.answers / prior.sum()
            faded = (answered + believed * prior) / (exposed + believed)
            smooth = model.smoothing
            worth = (of_hour @ smooth + self.answers / 7) / (at_hour @ smooth + self.answers / 7)
        return FittedHourOfWeek(smooth, model.shop, model.segments, model.weight, faded, worth)


def _smoothing(spread: float, alike: float) -> Floats:
    """(168, 168): what a visit in an hour says of each hour; rows sum to 1."""
    hour = np.arange(HOURS_OF_WEEK)
    away = np.minimum((hour[:, None] - hour) % HOURS_OF_WEEK, (hour - hour[:, None]) % HOURS_OF_WEEK)
    near = np.exp(-0.5 * (away / spread) ** 2) if spread > 0 else np.eye(HOURS_OF_WEEK)
    near /= near.sum(axis=1, keepdims=True)
    weekend = np.arange(7) >= 5
    kind = (weekend[:, None] == weekend) / np.where(weekend, 2, 5)
    days = (1 - alike) * np.eye(7) + alike * kind
    return np.asarray(np.kron(days, np.eye(24)) @ near, np.float64)


def _segments(counts: csr_matrix, segments: Codes, shop: Floats, smoothing: Floats) -> Floats:
    """The hours of each segment, shrunk to the shop's as much as predicts best the customers that are left out."""
    number = int(segments.max()) + 1 if len(segments) else 0
    if number == 0:
        return np.empty((0, HOURS_OF_WEEK))
    member = csr_matrix((np.ones(len(segments)), (segments, np.arange(len(segments)))), shape=(number, len(segments)))
    together = (member @ counts).toarray()
    sizes = together.sum(axis=1)
    cells = counts.tocoo()
    own = np.asarray(counts.sum(axis=1), np.float64).ravel()
    smooth = together @ smoothing
    mine = _at_cells(counts, smoothing)
    others = smooth[segments[cells.row], cells.col] - mine
    rest = sizes[segments[cells.row]] - own[cells.row]
    weight = _best(cells.data, others, rest, shop[cells.col])
    return np.asarray((smooth + weight * shop) / (sizes[:, None] + weight), np.float64)


def _weight(counts: csr_matrix, base: Floats, smoothing: Floats) -> float:
    """As how many visits a segment's hours count for one customer: what predicts best the visits that are left out."""
    cells = counts.tocoo()
    own = np.asarray(counts.sum(axis=1), np.float64).ravel()
    others = _at_cells(counts, smoothing) - smoothing[cells.col, cells.col]
    return _best(cells.data, others, own[cells.row] - 1, base[cells.row, cells.col])


def _best(number: Floats, others: Floats, rest: Floats, base: Floats) -> float:
    """The weight of `base` with which visits, `number` times each, are likeliest given the other visits."""
    told = rest > 0
    if not told.any():
        return float(np.exp(_MOST))
    number, others, rest, base = number[told], others[told], rest[told], base[told]

    def loss(log_weight: float) -> float:
        weight = np.exp(log_weight)
        return -float(number @ np.log(np.maximum((others + weight * base) / (rest + weight), _TINY)))

    return float(np.exp(minimize_scalar(loss, bounds=(_LEAST, _MOST), method="bounded").x))


def _at_cells(counts: csr_matrix, smoothing: Floats) -> Floats:
    """The smoothed counts where there are any, in the order of `counts.tocoo()`."""
    found = []
    for start in range(0, counts.shape[0], _CHUNK):
        part = counts[start : start + _CHUNK]
        cells = part.tocoo()
        found.append(np.asarray(part @ smoothing)[cells.row, cells.col])
    return np.concatenate(found) if found else np.empty(0)


def _later(faded: Floats) -> Floats:
    """(168, 168): how much of a message that is sent in an hour of the week lies there in each."""
    wide = np.zeros((HOURS_OF_WEEK, HOURS_OF_WEEK))
    sent = np.arange(HOURS_OF_WEEK)
    for wait, left in enumerate(faded):
        np.add.at(wide, (sent, (sent + wait) % HOURS_OF_WEEK), left)
    return wide

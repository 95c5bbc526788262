"""What may be claimed of a pair: where it stands, how sure that is, and when it is better to say nothing.

A date is worth something where the next purchase comes near to it. The curve itself promises how likely that is, and a
promise counts only as far as promises of its size came true before: "regular" is earned, not guessed from two equal
intervals. Whether somebody still buys is judged against their own rhythm, not against the calendar: who buys twice a
year has not left after three months.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import ndtr

from models.arrays import Floats, Ids, Mask
from models.time_to_event.base import FittedTimeToEvent
from models.time_to_event.curves import daily, due_within, quantile
from models.time_to_event.durations import HORIZON, next_purchases
from models.time_to_event.pairs import Pairs, Watch, pairs_at
from models.time_to_event.purchases import Purchases

NEAR = 3
"""Days around the expected one within which a date came true."""

_REGULAR_FROM = 4
"""Purchases that a pair needs for `high`, whatever its curve promises: two equal intervals are chance."""

_STILL_A_BUYER = 0.4
_LATE = 0.2
_LIKELY = 0.5
_WEEK = 7
_PRIOR_INTERVALS, _PRIOR_SPREAD = 1.0, 4.0
"""How many intervals of its own weigh as much as those of all: for the usual length, and for how much it varies."""

_LEAST_VARIANCE = 0.05
"""Nobody is a clock: the logarithms of intervals vary by a fifth at least, however few of them have been seen."""

_AGO = (28, 56, 84)
_MOST, _SUPPORT = 30_000, 50


@dataclass(frozen=True)
class Standing:
    """What was learned: `high` and `medium` are the promises from which on dates came true as often as was asked for.

    `log_mean` and `log_variance` describe the intervals of all pairs, in logarithms of days.
    """

    high: float
    medium: float
    log_mean: float
    log_variance: float

    @classmethod
    def learned(
        cls, need: FittedTimeToEvent, purchases: Purchases, watch: Watch, shares: tuple[float, float]
    ) -> "Standing":
        """From what `need` would have said 4, 8 and 12 weeks before the end of `purchases`, and what then happened.

        `shares` of dates have to come true for `high` and for `medium`. Where nothing came true often enough, nothing
        is ever claimed: the promise to be reached is infinite.
        """
        parts = [_came_true(need, purchases, purchases.day - ago, watch) for ago in _AGO]
        promises = np.concatenate([promised for promised, _ in parts])
        hits = np.concatenate([hit for _, hit in parts])
        now = pairs_at(purchases, purchases.day, Watch(2, HORIZON * 10)).columns
        known = len(now["log_mean"]) > 0
        varied = now["log_variance"][np.isfinite(now["log_variance"])]
        return cls(
            _earned(promises, hits, shares[0]),
            _earned(promises, hits, shares[1]),
            float(now["log_mean"].mean()) if known else float(np.log(HORIZON)),
            max(float(np.mean(varied)), _LEAST_VARIANCE) if len(varied) else 1.0,
        )

    def still_a_buyer(self, curves: Floats, pairs: Pairs) -> Floats:
        """P(still a buyer): how likely a purchase within the curve is, over what it were if nobody ever stopped."""
        elapsed = pairs.columns["elapsed"]
        ahead = self._later(pairs, elapsed + curves.shape[1] - 1)
        expected = 1.0 - ahead / np.maximum(self._later(pairs, elapsed), 1e-9)
        return np.minimum((1.0 - curves[:, -1]) / np.maximum(expected, 1e-9), 1.0)

    def status(self, curves: Floats, pairs: Pairs, known: Mask) -> Ids:
        """See `forecast.Status`; `unknown` where not `known`."""
        late = self._later(pairs, pairs.columns["elapsed"]) < _LATE
        lapsed = self.still_a_buyer(curves, pairs) < _STILL_A_BUYER
        choices = [~known, lapsed, due_within(curves, _WEEK) >= _LIKELY, late]
        return np.select(choices, ["unknown", "lapsed", "due", "overdue"], "upcoming").astype(object)

    def confidence(self, curves: Floats, pairs: Pairs, known: Mask) -> Ids:
        """See `forecast.Confidence`; `none` where not `known`."""
        promised = promise(curves)
        regular = (promised >= self.high) & (pairs.columns["purchases"] >= _REGULAR_FROM)
        choices = [~known, regular, promised >= min(self.medium, self.high)]
        return np.select(choices, ["none", "high", "medium"], "low").astype(object)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Each number by its name."""
        return {name: np.array(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]]) -> "Standing":
        """From `arrays()`."""
        return cls(**{name: float(arrays[name]) for name in cls.__dataclass_fields__})

    def _later(self, pairs: Pairs, days: Floats) -> Floats:
        """The probability that an interval of such a pair is longer than `days`: log-normal, drawn to those of all."""
        intervals = pairs.columns["purchases"] - 1.0
        mean = np.where(intervals > 0, np.nan_to_num(pairs.columns["log_mean"]), self.log_mean)
        centre = (_PRIOR_INTERVALS * self.log_mean + intervals * mean) / (_PRIOR_INTERVALS + intervals)
        free = np.maximum(intervals - 1.0, 0.0)
        spread = _PRIOR_SPREAD * self.log_variance + free * np.nan_to_num(pairs.columns["log_variance"])
        variance = spread / (_PRIOR_SPREAD + free) * (1.0 + 1.0 / (_PRIOR_INTERVALS + intervals))
        return np.asarray(ndtr((centre - np.log(np.maximum(days, 0.5))) / np.sqrt(variance)), np.float64)


def promise(curves: Floats) -> Floats:
    """The probability that the curve gives to the days within 3 of its median; 0 where it does not get there.

    >>> promise(np.array([[1.0, 0.9, 0.5, 0.4, 0.4, 0.4], [1.0] * 6])).round(2).tolist()
    [0.6, 0.0]
    """
    date = np.round(quantile(curves, 0.5))
    reached = np.isfinite(date)
    day = np.where(reached, date, 0.0).astype(np.int64)
    rows, last = np.arange(len(curves)), curves.shape[1] - 1
    within = curves[rows, np.maximum(day - NEAR - 1, 0)] - curves[rows, np.minimum(day + NEAR, last)]
    return np.where(reached, within, 0.0)


def _came_true(need: FittedTimeToEvent, purchases: Purchases, day: int, watch: Watch) -> tuple[Floats, Floats]:
    """Promises made at the end of `day`, and 1 where the purchase came within 3 days of the date, else 0."""
    if not len(purchases.days) or day <= purchases.days.min():
        return np.empty(0), np.empty(0)
    asked = pairs_at(purchases, day, Watch(max(watch.purchases, _REGULAR_FROM), watch.days))
    asked = asked.rows(np.arange(0, len(asked), 1 + len(asked) // _MOST, dtype=np.int32))
    curves = daily(need, asked)
    date = np.round(quantile(curves, 0.5))
    times, _ = next_purchases(purchases, asked)
    seen = date + NEAR <= purchases.day - day
    return promise(curves)[seen], (np.abs(times[seen] - date[seen]) <= NEAR).astype(np.float64)


def _earned(promises: Floats, hits: Floats, share: float) -> float:
    """The least promise from which on dates came true at least at this share; infinity without enough of them."""
    order = np.argsort(promises, kind="stable")
    if len(order) < _SUPPORT:
        return np.inf
    levels = isotonic_regression(hits[order]).x
    start = int(np.searchsorted(levels, share))
    return float(promises[order[start]]) if len(order) - start >= _SUPPORT else np.inf

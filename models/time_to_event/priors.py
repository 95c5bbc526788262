"""What closed-form models believe of a pair beforehand: a few parameters a unit, shrunk to its department, and to all.

Parameters are chosen by what came next: they maximise the likelihood of the durations given the history that each row
had on its day. Fitting the histories themselves, as usual, makes every model here promise more than is bought, because
watched pairs were chosen by having been bought again (on Complete Journey it doubles the calibration error).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.arrays import Codes, Floats, Ids, codes_of
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs

Curve = Callable[[Floats, Floats, Floats], Floats]
"""Survival from the last purchase on, from parameters (parameters, ...), history (facts, ...) and days since then."""
History = Callable[[Pairs], Floats]
"""What a curve knows of each pair, shape (facts, rows)."""
_LEAST = 1e-12
_BOUND = 8.0
_ENOUGH = 1e-8
"""A step that gains less of the mean log likelihood, relatively, is the last."""
_STEP = 1e-3
"""For differences that stand for a slope."""
_ROUNDS = 4
_FAR = 2.0


@dataclass(frozen=True)
class Priors:
    """Logarithms of the parameters, shape (departments + 1, parameters), the last row that of all departments; and by
    how much each unit differs from its department, shape (units, parameters).

    `parents` says of which department each of `unit_ids` is, so a caller who does not know it gets the same answer.
    """

    logs: Floats
    shifts: Floats
    unit_ids: Ids
    parents: Codes
    parent_ids: Ids
    day: int

    def of(self, pairs: Pairs) -> Floats:
        """The parameters for each pair, shape (parameters, rows): of its unit, else of the department that the pair
        names, else of all.
        """
        logs = self.logs[codes_of(pairs.parent_ids, self.parent_ids)[pairs.parents]]
        codes = codes_of(pairs.unit_ids, self.unit_ids)
        known = codes >= 0
        logs[known] = self.logs[self.parents[codes[known]]] + self.shifts[codes[known]]
        return np.asarray(np.exp(logs)[pairs.units].T, np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {
            "logs": self.logs,
            "shifts": self.shifts,
            "unit_ids": self.unit_ids,
            "parents": self.parents,
            "parent_ids": self.parent_ids,
            "day": np.array(self.day),
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> "Priors":
        """From `arrays()`."""
        unit_ids, parents, parent_ids = arrays["unit_ids"], arrays["parents"], arrays["parent_ids"]
        return cls(arrays["logs"], arrays["shifts"], unit_ids, parents, parent_ids, int(arrays["day"]))


@dataclass(frozen=True)
class Fitting:
    """How much has to be seen before a department differs from all, and a unit from its department.

    A department's logarithms are drawn to those of all with the weight of `department` rows. Of a unit's only those
    numbered in `differs` are its own, believed in advance to lie within 1 / sqrt(`unit`) of the department's. Of the
    days of asking only those of the last `window` days are learned from: how eagerly people buy drifts.
    """

    department: float
    unit: float
    differs: tuple[int, ...]
    window: int


def fitted_priors(curve: Curve, history: History, start: Floats, durations: Durations, fitting: Fitting) -> Priors:
    """The most likely parameters; from `start` (parameters,) the search begins, and there it stays without a row."""
    days = durations.pairs.days
    if len(days):
        durations = durations.rows(days > days.max() - fitting.window)
    purchases, departments = durations.purchases, durations.pairs.departments
    told = np.vstack(
        [history(durations.pairs), durations.pairs.columns["elapsed"], durations.times, durations.observed]
    )
    every = _likeliest(curve, told, np.log(start), 1.0)
    logs = np.tile(every, (len(purchases.parent_ids) + 1, 1))
    for department in np.unique(departments):
        logs[department] = _likeliest(curve, told[:, departments == department], every, fitting.department)
    shifts = _shifted(curve, told, logs[departments], durations.pairs.units, len(purchases.unit_ids), fitting)
    return Priors(logs, shifts, purchases.unit_ids, purchases.parents, purchases.parent_ids, purchases.day)


def _shifted(curve: Curve, told: Floats, logs: Floats, units: Codes, count: int, fitting: Fitting) -> Floats:
    """By how much each of `count` units differs from the `logs` (rows, parameters) of its department.

    Newton's steps for all units at once, one parameter after the other; the squared slopes stand for the curvature.
    """
    shifts = np.zeros((count, logs.shape[1]))
    for _ in range(_ROUNDS):
        for parameter in fitting.differs:
            ahead = np.eye(logs.shape[1])[parameter] * _STEP
            place = logs + shifts[units]
            above, below = _likelihood(curve, place + ahead, told), _likelihood(curve, place - ahead, told)
            slope = (above - below) / (2 * _STEP)
            rise = np.bincount(units, slope, count) - fitting.unit * shifts[:, parameter]
            bend = np.bincount(units, slope**2, count) + fitting.unit
            shifts[:, parameter] = np.clip(shifts[:, parameter] + rise / bend, -_FAR, _FAR)
    return shifts


def _likeliest(curve: Curve, told: Floats, centre: Floats, shrinkage: float) -> Floats:
    """Logarithms that maximise the likelihood, less half of `shrinkage` times the squared distance from `centre`."""
    if not told.shape[1]:
        return centre
    rows, weights = np.unique(told, axis=1, return_counts=True)
    total = float(weights.sum())

    def loss(logs: Floats) -> float:
        away = 0.5 * shrinkage * float(((logs - centre) ** 2).sum())
        return (away - float(weights @ _likelihood(curve, logs[None, :], rows))) / total

    bounds = [(-_BOUND, _BOUND)] * len(centre)
    found = minimize(loss, centre, method="L-BFGS-B", bounds=bounds, options={"ftol": _ENOUGH})
    return np.asarray(found.x, np.float64)


def _likelihood(curve: Curve, logs: Floats, told: Floats) -> Floats:
    """The logarithm of the likelihood of each row: a purchase on its day where observed, none until then else.

    `told` (facts, rows) ends with the days of silence before, the time, and whether its end was observed.
    """
    parameters, history, (elapsed, times, observed) = np.exp(logs).T, told[:-3], told[-3:]
    end = curve(parameters, history, elapsed + times)
    seen = np.where(observed > 0, curve(parameters, history, elapsed + times - 1.0) - end, end)
    return np.asarray(np.log(np.maximum(seen / curve(parameters, history, elapsed), _LEAST)), np.float64)

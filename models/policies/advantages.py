"""Bayesian linear regression of rewards on what was known and done: the advantage of each action over silence.

The posterior is Gaussian and kept as sums, so learning more is adding: `precision` and `moment` are those of the data
alone, the prior joins when the weights are found. Prior scales are in units of the rewards' standard deviation, hence
nothing here depends on the currency. Old evidence fades, by how much was decided since and by time.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts
from models.policies.encoding import GROUPS, Encoding
from models.policies.logged import LoggedDecisions
from models.policies.rule import Message, picked
from models.policies.stakes import Stakes

_FURTHEST = 20.0
"""How many times more, or less, a decision may tell than another one."""


@dataclass(frozen=True)
class Prior:
    """What is believed before anything is seen: standard deviations of the weights, by group of columns.

    Where a recipe begins by believing in the shop's rule (`factored_thompson`), what that would do is held to be `lift`
    better than the rest until evidence comes: half of that is left after `trust` decisions, a third after twice as
    many. The unit of all but `trust` is the standard deviation of the rewards.
    """

    name: ClassVar[str] = "prior"
    level: float = 3.0
    baseline: float = 0.2
    any: float = 0.03
    any_context: float = 0.01
    label: float = 0.03
    label_context: float = 0.01
    pair: float = 0.004
    number: float = 0.01
    rule: float = 0.05
    trust: float = 3000.0
    lift: float = 0.05

    def __post_init__(self) -> None:
        for name in (*GROUPS, "trust"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} of a prior must be above 0, not {getattr(self, name)}")

    def precisions(self, encoding: Encoding) -> Floats:
        """The prior precision of each column."""
        return np.array([getattr(self, name) ** -2.0 for name in GROUPS])[encoding.groups]


@dataclass(frozen=True)
class Advantages:
    """What has been learned. `precision` (columns, columns) and `moment` (columns) are sums over decisions.

    Rewards are regressed in units of what is at stake (`stakes`, a mean size, and `squares`, a mean square), and weigh
    by how much they tell: stake squared over mean square, the inverse of their noise in those units. `weight` is how
    many decisions there were, after fading; `sums` are those of the weights, and of the rewards and their squares with
    these weights; `until` is the time of the latest, in days. `weights` (columns) is the posterior mean.
    """

    encoding: Encoding
    stakes: Stakes
    squares: Stakes
    precision: Floats
    moment: Floats
    weight: float
    sums: Floats
    until: float
    weights: Floats

    @classmethod
    def unknowing(cls, prior: Prior) -> "Advantages":
        """The prior."""
        encoding = Encoding()
        width = len(encoding.groups)
        sums = cls(
            encoding,
            Stakes(),
            Stakes(),
            np.zeros((width, width)),
            np.zeros(width),
            0.0,
            np.zeros(3),
            -np.inf,
            np.empty(0),
        )
        return sums.solved(prior)

    @property
    def spread(self) -> float:
        """The standard deviation of rewards; 1 while too few are known."""
        mass, total, square = self.sums
        if mass <= 0:
            return 1.0
        found = (square - total**2 / mass) / self.weight
        return float(np.sqrt(found)) if found > 1e-12 * square / self.weight else 1.0

    def values(self, contexts: Contexts, eligible: Eligible, series: tuple[Message, ...]) -> Floats:
        """The expected advantage over silence of each row, in units of the rewards' standard deviation."""
        alone: Floats = self.drawn(self.weights[None], contexts, eligible, series)[0]
        return alone

    def drawn(self, weights: Floats, contexts: Contexts, eligible: Eligible, series: tuple[Message, ...]) -> Floats:
        """The same by each of several `weights` (models, columns), shape (models, rows)."""
        matrix = self.encoding.matrix(contexts)
        stakes = self.stakes.of(matrix)[eligible.decisions] / self.spread
        by_rule = _by_rule(series, contexts, eligible)
        return np.asarray(self.encoding.advantages(weights, matrix, eligible, by_rule) * stakes, np.float64)

    def baseline(self, contexts: Contexts) -> Floats:
        """The expected reward of saying nothing to each, in the currency of the rewards."""
        matrix = self.encoding.matrix(contexts)
        return self.encoding.baseline(self.weights, matrix) * self.stakes.of(matrix)

    def learned(
        self,
        log: LoggedDecisions,
        rewards: Floats,
        weights: Floats,
        series: tuple[Message, ...],
        memory: float,
        half_life_days: float,
    ) -> "Advantages":
        """After `log` too, whose `rewards` and `weights` (decisions) stand for those in it.

        What was known before counts `exp(-n / memory)` of what it did, n being the decisions since, and half of that
        for every `half_life_days` that have passed. The decisions of one log fade among themselves in the same way.
        """
        until = max(self.until, float(log.at.max()))
        later = np.arange(len(log), 0, -1) - 1.0
        fresh = weights * np.exp(-later / memory) * 0.5 ** ((until - log.at) / half_life_days)
        faded = np.exp(-len(log) / memory) * 0.5 ** ((until - self.until) / half_life_days) if self.weight else 0.0
        encoding = self.encoding.grown(log.contexts, log.eligible)
        matrix = encoding.matrix(log.contexts)
        by_rule = _by_rule(series, log.contexts, log.eligible)
        places = encoding.places(self.encoding)
        context_places = encoding.context_places(self.encoding)
        stakes = self.stakes.learned(matrix, context_places, np.abs(log.rewards), fresh, faded)
        squares = self.squares.learned(matrix, context_places, log.rewards**2, fresh, faded)
        at_stake = stakes.of(matrix)
        relative = rewards / at_stake
        telling = fresh * np.clip(at_stake**2 / squares.of(matrix), 1 / _FURTHEST, _FURTHEST)
        rows = encoding.rows(matrix, log.eligible, log.chosen, by_rule)
        moment = rows.T @ (telling * relative)
        rows *= np.sqrt(telling)[:, None]
        precision = rows.T @ rows  # the same array twice: BLAS computes one half only
        if len(places) == len(moment):
            precision += faded * self.precision
        else:
            precision[np.ix_(places, places)] += faded * self.precision
        moment[places] += faded * self.moment
        return Advantages(
            encoding,
            stakes,
            squares,
            precision,
            moment,
            faded * self.weight + float(fresh.sum()),
            faded * self.sums + np.array([telling.sum(), telling @ relative, telling @ relative**2]),
            until,
            np.empty(0),
        )

    def solved(self, prior: Prior) -> "Advantages":
        """With the weights that follow from the sums and `prior`."""
        weights = cho_solve((self.factor(prior), False), self.moment, check_finite=False)
        weights[-1] += self.spread * prior.lift * prior.trust / (prior.trust + self.weight)
        return replace(self, weights=weights)

    def factor(self, prior: Prior) -> Floats:
        """The upper Cholesky factor of the posterior precision, (columns, columns)."""
        known = self.precision.copy()
        known.ravel()[:: len(known) + 1] += prior.precisions(self.encoding)
        found: Floats = cholesky(known.T, overwrite_a=True, check_finite=False)  # symmetric: this spares a copy
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {
            **self.encoding.arrays(),
            **{f"stake_{name}": array for name, array in self.stakes.arrays().items()},
            **{f"square_{name}": array for name, array in self.squares.arrays().items()},
            "precision": self.precision,
            "moment": self.moment,
            "sums": np.array([self.weight, *self.sums, self.until]),
            "weights": self.weights,
        }

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]]) -> "Advantages":
        """From `arrays()`."""
        weight, *sums, until = arrays["sums"].tolist()
        return cls(
            Encoding.restored(arrays),
            Stakes.restored(arrays, "stake_"),
            Stakes.restored(arrays, "square_"),
            arrays["precision"],
            arrays["moment"],
            weight,
            np.array(sums),
            until,
            arrays["weights"],
        )


def _by_rule(series: tuple[Message, ...], contexts: Contexts, eligible: Eligible) -> Starts:
    """The row that the shop's rule would take, one a decision; none where there is no rule."""
    return picked(series, contexts, eligible) if series else np.empty(0, np.int64)

"""Thompson sampling of success or none, each arm on its own and whoever is asked about: the smallest thing that learns.

A success is a reward above 0. Thompson, "On the likelihood that one unknown probability exceeds another in view of the
evidence of two samples" (Biometrika, 1933). The chances to be the best are integrals, so propensities are computed, not
sampled.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from models.arrays import Floats, Ids
from models.policies.arms import arms_of, grown
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions

_POINTS = 512
_AT_ONCE = 4_000_000
"""Numbers in memory at once."""


@dataclass(frozen=True)
class FittedBetaBernoulli:
    """`successes` and `failures` (arms) are discounted counts of `arms`, by name."""

    recipe: "BetaBernoulli"
    arms: Ids
    successes: Floats
    failures: Floats
    name: str = "beta_bernoulli"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:  # noqa: ARG002
        """The chance to have the highest rate of success, on top of the floors."""
        recipe = self.recipe
        won = np.append(self.successes, 0.0) + recipe.prior_successes
        lost = np.append(self.failures, 0.0) + recipe.prior_failures
        below = betainc(won[:, None], lost[:, None], self._grid(won, lost))
        mass, middle = np.diff(below, axis=1), np.log(np.maximum(0.5 * (below[:, 1:] + below[:, :-1]), 1e-300))
        arms = arms_of(eligible, self.arms)
        found = np.empty(len(arms))
        step = max(1, _AT_ONCE // (_POINTS * int(eligible.counts.max())))
        for start in range(0, len(eligible), step):
            part = eligible.take(np.arange(start, min(start + step, len(eligible))))
            rows = arms[eligible.starts[start] : eligible.starts[start] + len(part.codes)]
            together = np.add.reduceat(middle[rows], part.starts[:-1], axis=0)
            best = mass[rows] * np.exp(together[part.decisions] - middle[rows])
            found[eligible.starts[start] : eligible.starts[start] + len(rows)] = best.sum(axis=1)
        chances = found / eligible.total(found)[eligible.decisions]
        return floored(chances, eligible, recipe.uniform_share, recipe.silence)

    def _grid(self, won: Floats, lost: Floats) -> Floats:
        """Points (cosines over all rates, and as many again about the arms' own) at which no arm's curve is missed."""
        rates, trials = won / (won + lost), won + lost
        wide = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, _POINTS // 2))
        deviation = np.sqrt(rates * (1 - rates) / trials)
        low, high = (rates - 5 * deviation).min(), min((rates + 5 * deviation).max(), 1.0)
        return np.sort(np.append(wide, np.linspace(max(low, 0.0), high, _POINTS + 1 - len(wide))))

    def updated(self, log: LoggedDecisions) -> "FittedBetaBernoulli":
        """After `log` too, in its order: one log in two parts teaches what it teaches whole."""
        arms, places = grown(self.arms, log.eligible)
        chosen = arms_of(log.eligible, arms)[log.chosen]
        later = np.arange(len(log), 0, -1) - 1.0
        weights = np.where(log.matured, 1.0, self.recipe.immature) * np.exp(-later / self.recipe.memory)
        faded = np.exp(-len(log) / self.recipe.memory)
        won = np.bincount(chosen, weights * (log.rewards > 0), len(arms)).astype(np.float64)
        lost = np.bincount(chosen, weights * (log.rewards <= 0), len(arms)).astype(np.float64)
        won[places] += faded * self.successes
        lost[places] += faded * self.failures
        return FittedBetaBernoulli(self.recipe, arms, won, lost)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Counts by arm."""
        return {"arms": self.arms, "successes": self.successes, "failures": self.failures}


@dataclass(frozen=True)
class BetaBernoulli:
    """The recipe: what is believed of an arm that was never tried, and how many decisions back counts still.

    >>> policy = BetaBernoulli().fit()
    >>> policy.probabilities(Contexts.of([{}]), Eligible.of([[({}, {}), ({"channel": "email"}, {})]])).round(9)
    array([0.5, 0.5])
    """

    name: ClassVar[str] = "beta_bernoulli"
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    memory: float = 50_000.0
    immature: float = 0.5
    uniform_share: float = 0.05
    silence: float = 0.03

    def fit(self, log: LoggedDecisions | None = None) -> FittedBetaBernoulli:
        """The prior, or with `log` what that teaches."""
        unknowing = FittedBetaBernoulli(self, np.empty(0, object), np.empty(0), np.empty(0))
        return unknowing if log is None else unknowing.updated(log)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedBetaBernoulli:
        """The policy again."""
        return FittedBetaBernoulli(self, arrays["arms"], arrays["successes"], arrays["failures"])

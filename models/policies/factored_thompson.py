"""Thompson sampling on the factored model: what the posterior believes, drawn some times and averaged.

The weights' posterior is shared by all actions, so the chance to be the best has no closed form. Here the policy *is*
the average of `draws` greedy policies, whose weights are drawn once by the recipe's seed: its propensities are exact.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from models.arrays import Floats
from models.policies.advantages import Advantages, Prior
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions
from models.policies.rule import Rule


@dataclass(frozen=True)
class FittedFactoredThompson:
    """`drawn` (draws, columns) are weights by the posterior of `advantages`."""

    recipe: "FactoredThompson"
    advantages: Advantages
    drawn: Floats
    name: str = "factored_thompson"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The share of draws in which an action is the best, on top of the floors."""
        values = self.advantages.drawn(self.drawn, contexts, eligible, self.recipe.rule.series)
        best = values == np.maximum.reduceat(values, eligible.starts[:-1], axis=1)[:, eligible.decisions]
        shared = best / np.add.reduceat(best, eligible.starts[:-1], axis=1, dtype=np.float64)[:, eligible.decisions]
        return floored(shared.mean(axis=0), eligible, self.recipe.uniform_share, self.recipe.silence)

    def updated(self, log: LoggedDecisions) -> "FittedFactoredThompson":
        """After `log` too: in two parts it teaches what it does whole, but for how contexts are standardised."""
        return self.recipe.learned(self.advantages, log) if len(log) else self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Sums, weights and labels."""
        return {**self.advantages.arrays(), "drawn": self.drawn}


@dataclass(frozen=True)
class FactoredThompson:
    """The recipe. `scale` is the share of the posterior's deviation that weights are drawn with: all of it explores too
    much where one reward in twenty is not zero. The other parameters are those of `Factored`."""

    name: ClassVar[str] = "factored_thompson"
    rule: Rule = field(default_factory=Rule)
    prior: Prior = field(default_factory=Prior)
    scale: float = 0.3
    draws: int = 64
    seed: int = 7
    memory: float = 50_000.0
    half_life_days: float = 180.0
    immature: float = 0.5
    uniform_share: float = 0.05
    silence: float = 0.03

    def fit(self, log: LoggedDecisions | None = None) -> FittedFactoredThompson:
        """The prior, or with `log` what that teaches."""
        unknowing = Advantages.unknowing(self.prior)
        return self.learned(unknowing, log) if log is not None and len(log) else self._drawn(unknowing)

    def learned(self, known: Advantages, log: LoggedDecisions) -> FittedFactoredThompson:
        """What is `known`, and what `log` adds to it."""
        weights = np.where(log.matured, 1.0, self.immature)
        more = known.learned(log, log.rewards, weights, self.rule.series, self.memory, self.half_life_days)
        return self._drawn(more.solved(self.prior))

    def _drawn(self, advantages: Advantages) -> FittedFactoredThompson:
        factor = advantages.factor(self.prior)
        noise = np.random.default_rng(self.seed).standard_normal((len(factor), self.draws))
        apart = solve_triangular(factor, noise, check_finite=False).T * (self.scale * advantages.spread)
        return FittedFactoredThompson(self, advantages, advantages.weights + apart)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedFactoredThompson:
        """The policy again."""
        return FittedFactoredThompson(self, Advantages.restored(arrays), arrays["drawn"])

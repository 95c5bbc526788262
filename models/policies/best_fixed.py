"""The one action that has done best for all: what a policy that looks at the customer has to beat.

Values of arms are weighted by the inverse of the propensities, normalised by the weights (Swaminathan and Joachims,
"The self-normalized estimator for counterfactual learning", NeurIPS 2015) and drawn to the mean of all arms.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.policies.arms import arms_of, grown
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions


@dataclass(frozen=True)
class FittedBestFixed:
    """`weights` and `totals` (arms) are summed inverse propensities of `arms`, and those times their rewards."""

    recipe: "BestFixed"
    arms: Ids
    weights: Floats
    totals: Floats
    name: str = "best_fixed"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:  # noqa: ARG002
        """All on the best arm that is eligible; equally good ones share."""
        level = self.totals.sum() / max(self.weights.sum(), 1e-300)
        values = (self.totals + self.recipe.shrink * level) / (self.weights + self.recipe.shrink)
        found = np.append(values, level)[arms_of(eligible, self.arms)]
        best = (found == eligible.most(found)[eligible.decisions]).astype(np.float64)
        return np.asarray(best / eligible.total(best)[eligible.decisions], np.float64)

    def updated(self, log: LoggedDecisions) -> "FittedBestFixed":
        """After `log` too: one log in two parts teaches what it teaches whole."""
        arms, places = grown(self.arms, log.eligible)
        chosen = arms_of(log.eligible, arms)[log.chosen]
        inverse = log.matured / log.propensities
        weights = np.bincount(chosen, inverse, len(arms)).astype(np.float64)
        totals = np.bincount(chosen, inverse * log.rewards, len(arms)).astype(np.float64)
        weights[places] += self.weights
        totals[places] += self.totals
        return FittedBestFixed(self.recipe, arms, weights, totals)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Sums by arm."""
        return {"arms": self.arms, "weights": self.weights, "totals": self.totals}


@dataclass(frozen=True)
class BestFixed:
    """The recipe. `shrink` is how many decisions the mean of all arms is worth for each; immature rewards are left out.

    It does not explore: fit it on a log of something that does.
    """

    name: ClassVar[str] = "best_fixed"
    shrink: float = 500.0

    def fit(self, log: LoggedDecisions | None = None) -> FittedBestFixed:
        """Nothing known, or what `log` teaches."""
        unknowing = FittedBestFixed(self, np.empty(0, object), np.empty(0), np.empty(0))
        return unknowing if log is None else unknowing.updated(log)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedBestFixed:
        """The policy again."""
        return FittedBestFixed(self, arrays["arms"], arrays["weights"], arrays["totals"])

"""Self-normalised inverse propensity scores (Swaminathan & Joachims, 2015): never beyond the rewards that were seen."""

from dataclasses import dataclass
from typing import ClassVar

from models.off_policy.base import Evidence, Scores


@dataclass(frozen=True)
class SNIPS:
    """A ratio: a constant added to every reward adds just that constant to the value, which plain IPS does not keep."""

    name: ClassVar[str] = "snips"

    def scores(self, evidence: Evidence) -> Scores:
        """Importance weight times reward, over the weights."""
        weights = evidence.weights
        if not weights.sum():
            raise ValueError("the policy takes nothing that the log ever took; log some decisions at random first")
        return Scores(weights * evidence.log.rewards, weights)

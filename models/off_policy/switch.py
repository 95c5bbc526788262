"""Switch-DR (Wang, Agarwal & Dudik, 2017): the log where its weight is small, the reward model everywhere else."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.off_policy.base import Evidence, Scores, augmented


@dataclass(frozen=True)
class SwitchDR:
    """Beyond `threshold` a decision says nothing of what the model missed."""

    threshold: float = 10.0
    name: ClassVar[str] = "switch_dr"

    def scores(self, evidence: Evidence) -> Scores:
        """Doubly robust with weights beyond the threshold set to 0."""
        weights = evidence.weights
        return augmented(evidence, np.where(weights <= self.threshold, weights, 0.0))

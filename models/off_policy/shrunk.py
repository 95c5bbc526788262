"""Doubly robust with optimistic shrinkage (Su, Dimakopoulou, Krishnamurthy & Dudik, 2020): large weights fade."""

from dataclasses import dataclass
from typing import ClassVar

from models.off_policy.base import Evidence, Scores, augmented


@dataclass(frozen=True)
class DRos:
    """`w` becomes `l w / (w^2 + l)`: hardly less where `w` is small, ever less beyond `sqrt(l)`."""

    shrinkage: float = 100.0
    name: ClassVar[str] = "dr_os"

    def scores(self, evidence: Evidence) -> Scores:
        """Doubly robust with the weights that minimise a bound of the error."""
        weights = evidence.weights
        return augmented(evidence, self.shrinkage * weights / (weights**2 + self.shrinkage))

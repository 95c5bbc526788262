"""Doubly robust (Dudik, Langford & Li, 2011), with weights clipped where one says so (Su, Srinath & Krishnamurthy)."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from models.off_policy.base import Evidence, Scores, augmented


@dataclass(frozen=True)
class DoublyRobust:
    """No bias while `clip` is infinite; a smaller one trades it for noise: at 0 what is left is the direct method."""

    clip: float = inf
    name: ClassVar[str] = "dr"

    def __post_init__(self) -> None:
        if not self.clip >= 0:
            raise ValueError(f"weights can be clipped at 0 or more, not at {self.clip}")

    def scores(self, evidence: Evidence) -> Scores:
        """What the model expects, and clipped weights times what it missed."""
        return augmented(evidence, np.minimum(evidence.weights, self.clip))

"""Chance: every eligible action with the same probability. What a random arm plays, and what nothing may lose to."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions


@dataclass(frozen=True)
class FittedUniform:
    """Knows nothing and learns nothing."""

    silence: float
    name: str = "uniform"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:  # noqa: ARG002
        """1 / actions for each row, silence at its floor at least."""
        return floored(1.0 / np.repeat(eligible.counts, eligible.counts), eligible, 1.0, self.silence)

    def updated(self, log: LoggedDecisions) -> "FittedUniform":  # noqa: ARG002
        """Itself: chance has nothing to learn."""
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """None."""
        return {}


@dataclass(frozen=True)
class Uniform:
    """The recipe of chance. `silence` is the least probability of silence, which matters beyond 33 actions.

    >>> actions = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> Uniform().fit().probabilities(Contexts.of([{}]), actions)
    array([0.5, 0.5])
    """

    name: ClassVar[str] = "uniform"
    silence: float = 0.03

    def fit(self, log: LoggedDecisions | None = None) -> FittedUniform:  # noqa: ARG002
        """Ready at once."""
        return FittedUniform(self.silence)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedUniform:  # noqa: ARG002
        """Ready at once."""
        return FittedUniform(self.silence)

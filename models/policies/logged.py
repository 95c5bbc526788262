"""What policies learn from and are judged on: decisions that were made, with what came of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts


@dataclass(frozen=True)
class LoggedDecisions:
    """n decisions in the order in which they were made.

    `chosen` (n) is the row of `eligible` that was taken, `propensities` (n) the probability with which it was.
    `rewards` (n), in the currency of the shop, are net of all costs; where `matured` is False a window is still open
    and the reward is what is expected of it, never a zero for want of news. `customers` and `episodes` (n) number whose
    decisions are not independent, `steps` (n) say which message of its episode a decision was about, from 1 on.
    `at` (n) is in days since 1970.
    """

    contexts: Contexts
    eligible: Eligible
    chosen: Starts
    propensities: Floats
    rewards: Floats
    matured: Mask
    customers: Starts
    episodes: Starts
    steps: Starts
    at: Floats

    def __post_init__(self) -> None:
        arrays: tuple[NDArray[np.generic], ...] = (
            self.chosen,
            self.propensities,
            self.rewards,
            self.matured,
            self.customers,
            self.episodes,
            self.steps,
            self.at,
        )
        sizes = {len(self.contexts), len(self.eligible), *(len(array) for array in arrays)}
        if len(sizes) != 1:
            raise ValueError(f"the parts of logged decisions have different lengths: {sorted(sizes)}")
        starts = self.eligible.starts
        if ((self.chosen < starts[:-1]) | (self.chosen >= starts[1:])).any():
            raise ValueError("a decision chose an action that was not eligible")
        if not ((self.propensities > 0) & (self.propensities <= 1)).all():
            raise ValueError("propensities must be above 0 and at most 1; leave out decisions that have none")
        if not np.isfinite(self.rewards).all():
            raise ValueError("rewards must be finite; leave out decisions of which nothing is known yet")

    @classmethod
    def of(
        cls,
        contexts: Contexts,
        eligible: Eligible,
        chosen: Starts,
        propensities: Floats,
        rewards: Floats,
        at: Floats | None = None,
    ) -> "LoggedDecisions":
        """Independent decisions with matured rewards, each the first of its episode, one a customer."""
        n = len(contexts)
        numbers = np.arange(n, dtype=np.int64)
        when = numbers.astype(np.float64) if at is None else at
        ones = np.ones(n, np.int64)
        return cls(contexts, eligible, chosen, propensities, rewards, np.ones(n, bool), numbers, numbers, ones, when)

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, decisions: Starts | Mask) -> "LoggedDecisions":
        """Some of the decisions, by their numbers or a mask."""
        numbers = np.flatnonzero(decisions) if decisions.dtype == bool else decisions.astype(np.int64)
        eligible = self.eligible.take(numbers)
        return LoggedDecisions(
            self.contexts.take(numbers),
            eligible,
            self.chosen[numbers] - self.eligible.starts[:-1][numbers] + eligible.starts[:-1],
            self.propensities[numbers],
            self.rewards[numbers],
            self.matured[numbers],
            self.customers[numbers],
            self.episodes[numbers],
            self.steps[numbers],
            self.at[numbers],
        )

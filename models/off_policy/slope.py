"""The clip of the weights, chosen by a bias test (Lepski; SLOPE of Su, Srinath & Krishnamurthy, 2020).

A smaller clip is less noisy and leans more on the reward model. It is taken only while no larger one says something
else than its own noise explains: the noise of their difference, since both are of the same decisions.
"""

from collections.abc import Sequence
from math import inf

from models.arrays import Floats
from models.off_policy.intervals import Clusters
from models.policies.eligible import Starts

CLIPS = (5.0, 10.0, 20.0, 50.0, 100.0, inf)
"""Ascending: from the least noise to no bias."""


def least_biased(
    contributions: Sequence[Floats],
    customers: Starts,
    clips: Sequence[float] = CLIPS,
    start: float = 10.0,
    sure: float = 3.0,
) -> int:
    """Which of `clips` to take, whose `contributions` stand in the same order.

    From `start` on, upwards while a larger clip differs from it by more than `sure` standard errors, and downwards
    while a smaller one differs from none of the larger.
    """
    first = min(place for place, clip in enumerate(clips) if clip >= start)
    taken = first
    while taken < len(clips) - 1 and not _agrees(contributions, taken, customers, sure):
        taken += 1
    if taken == first:
        while taken and _agrees(contributions, taken - 1, customers, sure):
            taken -= 1
    return taken


def _agrees(contributions: Sequence[Floats], one: int, customers: Starts, sure: float) -> bool:
    """Whether `one` differs from no larger clip by more than chance."""
    for other in contributions[one + 1 :]:
        apart = Clusters.of(contributions[one] - other, customers)
        if abs(apart.mean) > sure * apart.error + 1e-12:
            return False
    return True

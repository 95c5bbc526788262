"""Inverse propensity scores: the log reweighted to what the policy would have done (Horvitz & Thompson, 1952)."""

from dataclasses import dataclass
from typing import ClassVar

from models.off_policy.base import Evidence, Scores


@dataclass(frozen=True)
class IPS:
    """Without bias wherever the log may take what the policy takes; as noisy as its largest weights."""

    name: ClassVar[str] = "ips"

    def scores(self, evidence: Evidence) -> Scores:
        """Importance weight times reward."""
        return Scores.mean_of(evidence.weights * evidence.log.rewards)

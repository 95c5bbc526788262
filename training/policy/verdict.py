"""What the gate for policies says of a candidate: whether it may go to a canary, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.reports.finding import Finding, difference
from models.off_policy.diagnostics import Calibration, Weights
from training.policy.value import Valued


@dataclass(frozen=True)
class Refusal:
    """One reason not to let a candidate in, by its code and in words, with the figures and names in them."""

    code: str
    words: str
    figures: Mapping[str, float]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may go to a canary, every reason why not, and what was found, None where nothing could be.

    `share` is the estimated difference as a share of what the opponent earned, NaN where that is not positive.
    """

    passed: bool
    refusals: tuple[Refusal, ...]
    words: str
    decisions: int
    valued: Valued | None = None
    weighed: Weights | None = None
    calibrated: Calibration | None = None
    lost_mass: float = 0.0
    harms: Mapping[str, Valued] = field(default_factory=dict)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the refusals."""
        return tuple(refusal.code for refusal in self.refusals)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found and every reason why not, by codes."""
        found = [Finding.of(refusal.code, refusal.figures, **refusal.names) for refusal in self.refusals]
        if self.valued is not None:
            above = {**difference(self.valued.chosen.difference), "gain": self.share}
            found.insert(0, Finding.of("valued", {**above, "clip": self.valued.clip}))
        return (*found, Finding.of("admitted")) if self.passed else tuple(found)

    @property
    def share(self) -> float:
        """By how much the candidate is better, as a share of what the opponent earned."""
        if self.valued is None or self.valued.base <= 0:
            return float("nan")
        return self.valued.chosen.difference.mean / self.valued.base

"""The door to production for replenishment: better at who comes first and at how likely, no less honest about it."""

from dataclasses import dataclass

import numpy as np

from features.reports.finding import Finding, difference
from training.bootstrap import Interval
from training.replenishment.timing import Timing

ORDER = "concordance"
CHANCE = "brier 14"
HONESTY = "ece 14"
ALLOWED = 0.005
"""By how much the calibration error may be larger than the opponent's."""


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate passed, the intervals of the paired differences that decided (above 0 is better), by how
    much its calibration error is larger, and the same in words and as codes."""

    passed: bool
    opponent: str
    order: Interval
    chance: Interval
    dishonesty: float
    words: str
    findings: tuple[Finding, ...]


def judge(timing: Timing, candidate: str, champion: str | None, rng: np.random.Generator) -> Verdict:
    """Pass `candidate` only if both 95 % intervals lie above 0 and its calibration is not worse.

    Without a champion the best baseline at concordance is the opponent: a first model that a closed formula beats is
    no model.
    """
    opponent = champion or timing.best_baseline(ORDER).name
    order, chance = (timing.above(candidate, opponent, measure, rng) for measure in (ORDER, CHANCE))
    mine, its = (timing.of(name).mean(HONESTY) for name in (candidate, opponent))
    honest = mine - its <= ALLOWED
    words = (
        f"{candidate} against {opponent}: {ORDER} {order}, {_above(order)}; {CHANCE} days, lower by {chance}, "
        f"{_above(chance)}; calibration error at 14 days {mine:.4f} against {its:.4f}, "
        f"{'not worse' if honest else f'worse by more than {ALLOWED}'}"
    )
    errors = {"mine": mine, "its": its}
    findings = (
        Finding.of(_code("better_order", order), difference(order), candidate=candidate, opponent=opponent),
        Finding.of(_code("better_chance", chance), difference(chance)),
        Finding.of("as_honest", errors) if honest else Finding.of("less_honest", {**errors, "allowed": ALLOWED}),
    )
    passed = order.low > 0 and chance.low > 0 and honest
    return Verdict(passed, opponent, order, chance, mine - its, words, findings)


def _above(interval: Interval) -> str:
    return "above 0" if interval.low > 0 else "not above 0"


def _code(better: str, interval: Interval) -> str:
    return better if interval.low > 0 else f"not_{better}"

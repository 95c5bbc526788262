"""The door to production for policies: a frozen candidate, judged on decisions that neither it nor its model has seen.

Evaluating a candidate on the log that it learned from promotes worse ones every time, and claims a third more than they
are worth; so does two-way cross-fitting. What passes here is admitted to a canary only, whose randomised comparison
(`canary.py`) has the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.arrays import Floats, Mask
from models.off_policy.base import Evidence
from models.off_policy.diagnostics import Calibration, Weights, calibration, clipped_share, lost_mass, weights
from models.off_policy.reward_model import RewardModel
from models.policies.eligible import Starts
from training.policy.value import Compared, Valued, value
from training.policy.verdict import Refusal, Verdict


@dataclass(frozen=True)
class Candidate:
    """Who asks to go live, and where it was frozen: how long the decision log was then, and up to where it learned."""

    name: str
    frozen: int
    learned: int


@dataclass(frozen=True)
class Harm:
    """Something a better policy must not pay with: one number a decision (unsubscribed or not, discount given).

    `allowed` is by how much the candidate's mean may be higher; it is refused while it may be more than that.
    """

    name: Literal["unsubscribed", "complained", "discount"]
    values: Floats
    allowed: float


@dataclass(frozen=True)
class Rules:
    """When the gate refuses to answer, whatever the estimates say."""

    decisions: int = 1_000
    effective: float = 500.0
    matured: float = 0.95
    clipped: float = 0.20
    propensities: float = 0.001
    apart: float = 1.645


def judge(
    candidate: Candidate,
    compared: Compared,
    positions: Starts,
    harms: Sequence[Harm] = (),
    rules: Rules | None = None,
    model: RewardModel | None = None,
) -> Verdict:
    """Judge `candidate` on the decisions of `compared` that stand behind its freezing in the log.

    `positions` (one a decision) is where each stands in the decision log. Decisions from before the freezing are left
    out here, whatever the caller thought; rewards that are not matured are left out of the estimates.
    """
    limits = rules or Rules()
    if candidate.learned > candidate.frozen:
        words = f"{candidate.name} learned up to {candidate.learned} of the log but was frozen at {candidate.frozen}"
        figures = {"learned": candidate.learned, "frozen": candidate.frozen}
        words = f"{words}; freeze it anew and wait for new decisions"
        return _refused([Refusal("candidate_saw_window", words, figures)], 0)
    window = positions > candidate.frozen
    matured = window & compared.log.matured
    if matured.sum() < limits.decisions:
        words = f"{int(matured.sum())} matured decisions since it was frozen; {limits.decisions} are needed"
        early = [_immature(window, matured)] if _share(window, matured) < limits.matured else []
        figures = {"decisions": int(matured.sum()), "needed": limits.decisions}
        return _refused([*early, Refusal("too_few_decisions", words, figures)], int(matured.sum()))
    asked = _part(compared, matured)
    refusals = [_immature(window, matured)] if _share(window, matured) < limits.matured else []
    evidence = Evidence(asked.log, asked.target, logging=asked.logging)
    weighed = weights(evidence)
    calibrated = None if asked.logging is None else calibration(asked.log, asked.logging)
    refusals += _of_the_log(weighed, calibrated, limits)
    found = value(asked, model)
    clipped = clipped_share(evidence.weights, found.clip)
    if clipped > limits.clipped:
        words = f"{clipped:.0%} of the decisions have weights above {found.clip:g}"
        refusals.append(Refusal("clipped_mass", words, {"share": clipped, "clip": found.clip}))
    refusals += _of_the_estimates(found, limits)
    harmed: dict[str, Valued] = {harm.name: value(asked, model, harm.values[matured]) for harm in harms}
    refusals += [refusal for harm in harms for refusal in _of_harm(harm, harmed[harm.name])]
    words = _words(candidate.name, found, refusals)
    return Verdict(
        not refusals,
        tuple(refusals),
        words,
        len(asked.log),
        found,
        weighed,
        calibrated,
        lost_mass(evidence.weights, found.clip),
        harmed,
    )


def _refused(refusals: Sequence[Refusal], decisions: int) -> Verdict:
    return Verdict(False, tuple(refusals), "; ".join(refusal.words for refusal in refusals), decisions)


def _share(window: Mask, matured: Mask) -> float:
    return float(matured.sum() / max(window.sum(), 1))


def _immature(window: Mask, matured: Mask) -> Refusal:
    share = _share(window, matured)
    words = f"{share:.0%} of the rewards are known; wait until the windows have closed"
    return Refusal("rewards_immature", words, {"share": share})


def _part(compared: Compared, which: Mask) -> Compared:
    rows = which[compared.log.eligible.decisions]
    logging, opponent = (None if each is None else each[rows] for each in (compared.logging, compared.opponent))
    return Compared(compared.log.take(which), compared.target[rows], opponent, logging)


def _of_the_log(weighed: Weights, calibrated: Calibration | None, limits: Rules) -> list[Refusal]:
    refusals = []
    if calibrated is not None and calibrated.pvalue < limits.propensities:
        words = f"actions were not taken as often as their logged probabilities say (p = {calibrated.pvalue:.1g})"
        figures = {"chance": calibrated.pvalue, "least_chance": limits.propensities}
        refusals.append(Refusal("propensities_mismatch", f"{words}; find out who else chose, and log that", figures))
    if not weighed.mean.low <= 1 <= weighed.mean.high:
        words = f"the mean weight is {weighed.mean.mean:.3f}, not 1: the log lacks what the candidate would do"
        refusals.append(Refusal("weights_off", words, {"weight": weighed.mean.mean}))
    if weighed.effective < limits.effective:
        words = (
            f"the log is worth {weighed.effective:.0f} decisions of the candidate; {limits.effective:.0f} are needed"
        )
        figures = {"decisions": weighed.effective, "needed": limits.effective}
        refusals.append(Refusal("small_effective_sample", f"{words}: wait, or explore more", figures))
    return refusals


def _of_the_estimates(found: Valued, limits: Rules) -> list[Refusal]:
    """An estimate below 0 beside one above it is a disagreement where it is more than chance: the plain estimates are
    too noisy to be heard alone.

    They share their decisions with the estimate that counts, so the noise of the difference is known.
    """
    refusals = []
    against = [
        each
        for each in (found.of("dr"), found.of("snips"), found.of("dm"))
        if found.chosen.difference.mean > 0 > each.difference.mean and abs(each.apart) > limits.apart
    ]
    if against:
        told = ", ".join(f"{each.name} {each.difference.mean:+.4f}" for each in against)
        words = f"estimates differ in sign: {found.chosen.name} {found.chosen.difference.mean:+.4f}, {told}"
        lowest = min(against, key=lambda each: each.difference.mean)
        figures = {"difference": found.chosen.difference.mean, "other": lowest.difference.mean}
        refusals.append(Refusal("estimates_disagree", words, figures, {"estimator": lowest.name}))
    if found.chosen.least <= 0:
        words = f"the one-sided 95 % bound of the difference is {found.chosen.least:+.4f}, not above 0"
        refusals.append(Refusal("not_better", words, {"least": found.chosen.least}))
    return refusals


def _of_harm(harm: Harm, found: Valued) -> list[Refusal]:
    most = found.chosen.value.mean - found.base + (found.chosen.difference.high - found.chosen.difference.mean)
    if most <= harm.allowed:
        return []
    words = f"{harm.name} may rise by {most:.4f} a decision; {harm.allowed:g} is allowed"
    return [Refusal(f"harm_{harm.name}", words, {"most": most, "allowed": harm.allowed})]


def _words(name: str, found: Valued, refusals: Sequence[Refusal]) -> str:
    share = f" ({found.chosen.difference.mean / found.base:+.1%})" if found.base > 0 else ""
    told = f"{name}: {found.chosen.difference}{share} a decision, weights clipped at {found.clip:g}"
    if not refusals:
        return f"{told}; admitted to a canary"
    return f"{told}; refused: " + "; ".join(refusal.words for refusal in refusals)

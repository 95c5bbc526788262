"""Judge a frozen policy on what was decided since: the gate's verdict, every estimate, and what the groups say.

Only decisions that the champion made count, and of these the settled ones: who is compared with is what the champion
really did, and what it really earned. When a decision settles does not hang on what was chosen, so one that is open
hides no later one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.reports.finding import to_text
from models.arrays import Mask
from models.evidence import Evidence
from models.line import DECISIONS, FROZEN, line_of, position
from models.policies.base import FittedPolicy
from models.published import Version
from models.registry import Registry
from training.policy.dataset import History
from training.policy.gate import Candidate, Harm, Rules, judge
from training.policy.groups import Comparison, compare
from training.policy.plots import figures
from training.policy.power import Provable, of_comparison, of_log
from training.policy.report import estimates, estimates_of, page
from training.policy.train import snapshot_of
from training.policy.value import Compared
from training.policy.verdict import Verdict

UNSUBSCRIBED, COMPLAINED, DISCOUNT = 0.002, 0.0005, 0.1
"""By how much a candidate may raise the unsubscribed and the complaints a decision, and the discount, as a share of
what a decision earns."""

_FEWEST = 100
_MONTH = 30.0

_WAITING = frozenset({"too_few_decisions", "rewards_immature"})
"""Refusals that say nothing against the candidate: time mends them."""


@dataclass(frozen=True)
class Assessment:
    """What was found, the same for MLflow, and the run that keeps it."""

    version: Version
    verdict: Verdict
    groups: Comparison
    provable: Provable | None
    evidence: Evidence
    run_id: str

    @property
    def gate(self) -> str:
        """What the version says from now on: passed, refused, or pending while there is too little to judge by."""
        return gate_of(self.verdict)


def assess(
    version: Version,
    live: Version,
    seen: History,
    shares: Mapping[str, float],
    registry: Registry,
    rules: Rules | None = None,
) -> Assessment:
    """Judge `version` against the champion `live` on `seen`, write the verdict on it, keep a run with the evidence.

    `shares` are the configured shares of the groups. A version of the champion's own line gets no verdict: it is what
    it would be judged against. Raises LookupError where nothing was decided.
    """
    if not len(seen):
        raise LookupError(
            f"nothing was decided by {version.name} yet; the service logs decisions as it is asked for them"
        )
    model: FittedPolicy = registry.load(version).model
    which = seen.by_champion
    verdict, compared = verdict_of(version, model, seen, which, rules or Rules())
    groups = compare(seen, shares)
    power = provable(verdict, seen, which)
    title = f"{version.name} {version.number} against {live.number}"
    evidence = Evidence(
        parameters={"version": version.number, "champion": live.number, "frozen": position(version, FROZEN)},
        metrics=_metrics(verdict, groups),
        snapshot=snapshot_of(seen.log(which), seen.as_of),
        tables={"estimates": estimates(verdict), "groups": groups.table()},
        figures=figures(verdict, compared, groups),
        card=page(title, seen, verdict, groups, power),
        tags={"gate": gate_of(verdict)},
    )
    run_id = registry.record(f"{version.name}-evaluation", title, evidence)
    if line_of(version) != line_of(live):
        told = {"gate": gate_of(verdict), "gate.words": verdict.words, "gate.champion": line_of(live)}
        version = registry.tag(version, told | {"gate.findings": to_text(verdict.findings), "gate.run": run_id})
    return Assessment(version, verdict, groups, power, evidence, run_id)


def verdict_of(
    version: Version, model: FittedPolicy, seen: History, which: Mask, rules: Rules
) -> tuple[Verdict, Compared]:
    """The gate's verdict on `model`, and what it was asked about: only what stands behind the freezing."""
    frozen = position(version, FROZEN)
    which = which & (seen.journal.positions > frozen)
    log = seen.log(which)
    target = model.probabilities(log.contexts, log.eligible) if len(log) else np.empty(0)
    compared = Compared(log, target, None, seen.logging(which))
    candidate = Candidate(f"{version.name} {version.number}", frozen, position(version, DECISIONS))
    return judge(candidate, compared, seen.positions(which), _harms(seen, which), rules), compared


def provable(verdict: Verdict, seen: History, which: Mask) -> Provable | None:
    """What a month of such traffic can prove, by this candidate's noise where it was judged; None of hardly any."""
    days = float(np.ptp(seen.journal.at[which])) if which.sum() >= _FEWEST else 0.0
    if not days:
        return None
    month = max(round(which.sum() * _MONTH / max(days, 1.0)), 1)
    if verdict.valued is not None:
        return of_comparison(verdict.valued, verdict.decisions).after(month)
    return of_log(seen.log(which)).after(month)


def gate_of(verdict: Verdict) -> str:
    """The verdict in a word."""
    if verdict.passed:
        return "passed"
    return "pending" if _WAITING & set(verdict.codes) else "refused"


def _harms(seen: History, which: Mask) -> list[Harm]:
    """What must not rise, where it occurs at all."""
    rewards = seen.rewards
    earned = max(float(rewards.values[which].mean()), 0.0) if which.any() else 0.0
    harms = [
        Harm("unsubscribed", rewards.unsubscribed[which].astype(np.float64), UNSUBSCRIBED),
        Harm("complained", rewards.complained[which].astype(np.float64), COMPLAINED),
        Harm("discount", rewards.discounts[which], DISCOUNT * earned),
    ]
    return [harm for harm in harms if harm.values.any()]


def _metrics(verdict: Verdict, groups: Comparison) -> dict[str, float]:
    found = {"decisions": float(verdict.decisions), "passed": float(verdict.passed)}
    for one in estimates_of(verdict):
        key = f"estimates/{one.name.replace(' ', '_')}"
        found |= {f"{key}/value": one.value.mean, f"{key}/difference": one.difference.mean, f"{key}/least": one.least}
    if verdict.weighed is not None:
        found |= {"effective": verdict.weighed.effective, "mean_weight": verdict.weighed.mean.mean}
    for arm, uplift in groups.uplifts.items():
        found |= {f"above/{arm}": uplift.mean, f"above/{arm}/low": uplift.low, f"above/{arm}/high": uplift.high}
    return {name: value for name, value in found.items() if np.isfinite(value)}

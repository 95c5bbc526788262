"""What the live policy earns beside the shop's rule and chance, estimated from what it decided itself.

What it earned is known: it was there. The rule and chance are estimated from the decisions in which it happened to do
what they would have done, and each estimate stands beside what the customers brought for whom they really decided.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from features import simulated
from features.log import moment
from features.reports.interval import Interval
from features.reports.policy_value import Alternative, Estimated, GateVerdict, Live, PolicyValue, Provable
from models.arrays import Mask
from models.off_policy.base import Evidence
from models.off_policy.diagnostics import calibration, clipped_share, weights
from models.off_policy.intervals import Bounds, Clusters, empirical_likelihood
from models.policies.base import FittedPolicy
from models.policies.rule import FittedRule
from models.policies.uniform import Uniform
from training.policy.dataset import History
from training.policy.journal import BASELINE, HOLDOUT, RANDOM
from training.policy.power import of_log
from training.policy.value import Compared, Estimate, value
from training.reports.action_mix import harms, refusals, weeks

LIMIT = 20_000
"""So many decisions are looked at: what they prove is enough, and what they cost is bounded."""

FEWEST = 100
"""With fewer decisions to judge by there is nothing to say."""

RULE, CHANCE = "rule", "random"
_MONTH, _MICROSECONDS_A_DAY = 30.0, 86_400e6


def policy_value(
    seen: History,
    decision_point: str,
    policy: str,
    version: str | None,
    rule: FittedRule,
    verdicts: Sequence[GateVerdict],
    computed_at: datetime,
    limited: bool = False,
    limit: int = LIMIT,
) -> PolicyValue:
    """The report on `seen`, the decisions at one point, whose `rule` is the shop's own series there."""
    known = seen.journal.at * _MICROSECONDS_A_DAY < _number(seen.as_of)
    spoken = known & (seen.arms != HOLDOUT)
    which = seen.by_champion
    enough = which.sum() >= FEWEST and len(np.unique(seen.journal.customers[which])) >= FEWEST // 2
    asked: dict[str, tuple[FittedPolicy, str]] = {RULE: (rule, BASELINE), CHANCE: (Uniform().fit(), RANDOM)}
    found = [
        _alternative(name, instead, seen, which, _own(seen, arm)) for name, (instead, arm) in asked.items() if enough
    ]
    return PolicyValue(
        as_of=seen.as_of,
        computed_at=computed_at,
        decision_point=decision_point,
        policy=policy,
        version=version,
        currency=currency_of(seen, known),
        since=moment(round(float(seen.journal.at[known].min()) * _MICROSECONDS_A_DAY)) if known.any() else None,
        decisions=int(known.sum()),
        limit=limit,
        limited=limited,
        left_out={reason: int((seen.rewards.left_out[known] == reason).sum()) for reason in seen.left_out},
        live=_live(seen, which) if enough else None,
        alternatives=tuple(one for one in found if one is not None),
        weeks=weeks(seen.journal, spoken),
        refused=refusals(seen.journal, spoken),
        harms=harms(seen, spoken),
        provable=_provable(seen, which) if enough else None,
        verdicts=tuple(verdicts),
        simulated=simulated.count(seen.journal.customer_ids[np.unique(seen.journal.customers[known])]),
    )


def currency_of(seen: History, which: Mask) -> str | None:
    """The currency in which most of these decisions count; None where nobody said one."""
    rows = np.flatnonzero(which).tolist()
    told = Counter(seen.journal.terms[row].currency or seen.outcomes[row].currency for row in rows)
    told.pop(None, None)
    return told.most_common(1)[0][0] if told else None


def _number(at: datetime) -> float:
    return at.timestamp() * 1e6


def _own(seen: History, arm: str) -> Mask:
    """What was decided for customers of another group than the policy's, and is final."""
    own: Mask = seen.teaches & (seen.arms == arm) & seen.rewards.matured & ~seen.rewards.ambiguous
    return own


def _live(seen: History, which: Mask) -> Live:
    log = seen.log(which)
    rows = np.flatnonzero(which).tolist()
    return Live(
        decisions=len(log),
        customers=len(np.unique(log.customers)),
        value=_interval(empirical_likelihood(Clusters.of(log.rewards, log.customers))),
        explored=float(np.mean([seen.journal.decided[row].explored for row in rows])),
        propensities=calibration(log, seen.logging(which)).pvalue,
    )


def _alternative(name: str, policy: FittedPolicy, seen: History, which: Mask, own: Mask) -> Alternative | None:
    """What it would have earned in place of the live policy; None where the log holds nothing that it would do."""
    log = seen.log(which)
    target = policy.probabilities(log.contexts, log.eligible)
    evidence = Evidence(log, target)
    if not evidence.weights.any():
        return None
    found = value(Compared(log, target, None, seen.logging(which)))
    weighed, estimates = weights(evidence), (found.chosen, *found.beside)
    brought = Clusters.of(seen.rewards.values[own], seen.journal.customers[own]) if own.any() else None
    chosen = found.chosen
    return Alternative(
        name=name,
        estimates=tuple(Estimated(one.name, _interval(one.value), _above(one)) for one in estimates),
        share=_above(chosen).times(1 / chosen.value.mean) if chosen.value.low > 0 else None,
        effective=weighed.effective,
        largest=weighed.largest,
        mean_weight=_interval(weighed.mean),
        clip=found.clip if np.isfinite(found.clip) else None,
        clipped=clipped_share(evidence.weights, found.clip),
        own=None if brought is None else _interval(empirical_likelihood(brought)),
        own_decisions=int(own.sum()),
    )


def _above(one: Estimate) -> Interval:
    """By how much what was earned is above the alternative, where the estimate says how much less."""
    return Interval.of(-one.difference.mean, -one.difference.high, -one.difference.low)


def _interval(bounds: Bounds) -> Interval:
    return Interval.of(bounds.mean, bounds.low, bounds.high)


def _provable(seen: History, which: Mask) -> Provable | None:
    """What a month of decisions like these proves of a policy that is not known yet."""
    days = float(np.ptp(seen.journal.at[which]))
    if not days:
        return None
    month = max(round(float(which.sum()) * _MONTH / max(days, 1.0)), 1)
    found = of_log(seen.log(which)).after(month)
    share = found.share if np.isfinite(found.share) else None
    return Provable(found.decisions, found.uplift, share, found.chance) if np.isfinite(found.uplift) else None

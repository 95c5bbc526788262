"""What deciding has caused: the groups that chance made, compared by all that their customers bought.

Each comparison is said twice: with an interval for who looks once, at a moment fixed beforehand, and with one that
holds however often somebody looks, which is the one that proves.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np

from features import simulated
from features.log import moment
from features.reports.interval import Interval
from features.reports.uplift import Contrast, Group, Incremental, Measure, Uplift, Week, WeekGroup
from models.arrays import Floats, Mask
from models.off_policy.cuped import adjusted, sequence
from models.off_policy.diagnostics import MISMATCH
from models.off_policy.intervals import Bounds
from training.policy.groups import ARMS, ratio_of
from training.policy.journal import HOLDOUT, POLICY
from training.reports.action_mix import date_of, week_of
from training.reports.entrants import Entrants

LIMIT = 100_000
"""So many decisions are looked at for whom they were about."""

_MEASURES: tuple[Measure, ...] = ("orders", "revenue")
_MICROSECONDS_A_DAY = 86_400e6


def uplift(
    entered: Entrants,
    decision_point: str,
    shares: Mapping[str, float],
    computed_at: datetime,
    limited: bool = False,
    limit: int = LIMIT,
) -> Uplift:
    """The report on the customers who `entered` at one point, whose groups have the configured `shares`."""
    customers = {arm: int((entered.arms == arm).sum()) for arm in ARMS}
    ratio = ratio_of(customers, shares)
    ours = int((entered.mature & (entered.arms == POLICY)).sum())
    contrasts = tuple(_contrasts(entered, shares))
    money = [one for one in contrasts if one.measure == "revenue"]
    return Uplift(
        as_of=entered.as_of,
        computed_at=computed_at,
        decision_point=decision_point,
        currency=entered.currency,
        days=entered.days,
        history_days=entered.history_days,
        since=_moment(entered.at[0]) if len(entered) else None,
        counted_until=_moment(entered.at[entered.mature].max()) if entered.mature.any() else None,
        customers=len(entered),
        limit=limit,
        limited=limited,
        foreign_orders=entered.foreign_orders,
        ratio=ratio if np.isfinite(ratio) else None,
        mismatch=bool(ratio < MISMATCH),
        groups=tuple(_group(entered, arm, shares.get(arm, 0.0)) for arm in ARMS if customers[arm] or shares.get(arm)),
        contrasts=contrasts,
        incremental=tuple(
            Incremental(one.arm, ours, one.adjusted.times(ours), one.always.times(ours)) for one in money
        ),
        weeks=tuple(_weeks(entered)),
        simulated=simulated.count(entered.customer_ids),
    )


def _group(entered: Entrants, arm: str, share: float) -> Group:
    mine = entered.arms == arm
    counted = mine & entered.mature
    means = {name: _mean(getattr(entered, name), counted) for name in _MEASURES}
    foretold = {name: _adjusted_mean(entered, name, counted) for name in _MEASURES}
    return Group(
        arm,
        share,
        int(mine.sum()),
        int(counted.sum()),
        means["orders"],
        means["revenue"],
        foretold["orders"],
        foretold["revenue"],
    )


def _mean(values: Floats, which: Mask) -> float | None:
    return float(values[which].mean()) if which.any() else None


def _adjusted_mean(entered: Entrants, measure: Measure, which: Mask) -> float | None:
    """The mean of a group with what its past foretold against all others' taken off; None where nobody is beside it."""
    others = entered.mature & ~which
    if min(which.sum(), others.sum()) < 2:
        return None
    counted = entered.mature
    values, past = getattr(entered, measure)[counted], getattr(entered, f"past_{measure}")[counted]
    return adjusted(values, past, which[counted]).means[0]


def _contrasts(entered: Entrants, shares: Mapping[str, float]) -> Iterator[Contrast]:
    """The policy against each other group, as far as there are two customers of both."""
    for measure in _MEASURES:
        for arm in ARMS:
            both = entered.mature & np.isin(entered.arms, [POLICY, arm])
            first = entered.arms[both] == POLICY
            if arm == POLICY or min(first.sum(), (~first).sum()) < 2:
                continue
            values, past = getattr(entered, measure)[both], getattr(entered, f"past_{measure}")[both]
            found = adjusted(values, past, first)
            configured = shares.get(POLICY, 0.0), shares.get(arm, 0.0)
            share = configured[0] / sum(configured) if min(configured) > 0 else float(first.mean())
            looked = sequence(values, past, first, share)
            beside = found.means[1]
            yield Contrast(
                measure=measure,
                arm=arm,
                plain=_interval(found.plain),
                adjusted=_interval(found.adjusted),
                always=Interval.of(looked.means[-1], looked.low[-1], looked.high[-1]),
                variance_left=found.variance_left,
                share=_interval(found.adjusted).times(1 / beside) if beside > 0 else None,
            )


def _weeks(entered: Entrants) -> Iterator[Week]:
    mondays = week_of(entered.at)
    for monday in np.unique(mondays):
        mine = mondays == monday
        among = [(arm, mine & (entered.arms == arm)) for arm in ARMS]
        yield Week(
            begins=date_of(int(monday)),
            mature=bool(entered.mature[mine].all() and monday + 7 <= _days(entered.as_of)),
            groups=tuple(
                WeekGroup(arm, int(its.sum()), float(entered.orders[its].mean()), float(entered.revenue[its].mean()))
                for arm, its in among
                if its.any()
            ),
            revenue=_of_week(entered, mine & np.isin(entered.arms, [POLICY, HOLDOUT])),
        )


def _of_week(entered: Entrants, which: Mask) -> Interval | None:
    first = entered.arms[which] == POLICY
    if min(first.sum(), (~first).sum()) < 2:
        return None
    return _interval(adjusted(entered.revenue[which], entered.past_revenue[which], first).adjusted)


def _interval(bounds: Bounds) -> Interval:
    return Interval.of(bounds.mean, bounds.low, bounds.high)


def _moment(day: float) -> datetime:
    return moment(round(float(day) * _MICROSECONDS_A_DAY))


def _days(at: datetime) -> float:
    return at.timestamp() / 86_400

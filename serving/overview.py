"""Use case: the shop on one page. Blocks on the database; scans nothing."""

from datetime import timedelta

from features.activity import Activity
from features.decisions import DECISION, RECOMMENDATION
from features.reports.coverage import Coverage
from features.reports.maturity import needs
from features.reports.overview import Earned, LiveVersion, Overview, Standing
from features.reports.uplift import Uplift
from serving.integration import a_minute, by_day
from serving.readiness import readiness
from serving.resources import Resources

_DAYS = 14
_GROUPS = ("holdout", "baseline")
"""What the policy is compared with, the better proof first."""


def overview(resources: Resources) -> Overview:
    """How everything stands now."""
    now = resources.clock()
    activity = Activity(resources.reports.engine)
    stands = readiness(resources)
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS - 1)
    events = activity.hours("event", now - timedelta(hours=2))
    decided = activity.hours("decision", since)
    ever = {tally.type: tally.count for tally in activity.types("decision")}
    coverage = resources.reports.read("coverage", "", Coverage)
    decisions = ever.get(DECISION, 0)
    asked = needs(coverage.repeat_buyers, coverage.periodic_pairs, decisions) if coverage else None
    live = [resources.champion.live(), resources.restock.live(), *resources.policies.live()]
    return Overview(
        as_of=now,
        computed_at=now,
        ready=stands.ready,
        standing=tuple(Standing(one.name, one.state, one.why) for one in stands.dependencies),
        coverage=coverage,
        needs=asked,
        events_a_minute=a_minute(events, now),
        events_ever=sum(tally.count for tally in activity.types("event")),
        decisions_by_day=by_day([tally for tally in decided if tally.type == DECISION], now, _DAYS),
        shown_by_day=by_day([tally for tally in decided if tally.type == RECOMMENDATION], now, _DAYS),
        decisions_ever=decisions,
        earned=_earned(resources),
        models=tuple(LiveVersion(one.name, one.version, one.created_at) for one in live if one is not None),
    )


def _earned(resources: Resources) -> Earned | None:
    """Of the first decision point that has customers to compare."""
    for point in resources.bank.now.points:
        report = resources.reports.read("uplift", point, Uplift)
        if report is None:
            continue
        for arm in _GROUPS:
            found = report.incremental_over(arm)
            if found is not None and found.revenue.mean is not None:
                return Earned(
                    decision_point=point,
                    over=arm,
                    since=report.since,
                    currency=report.currency,
                    customers=found.customers,
                    revenue=found.revenue,
                    always=found.always,
                    proved=found.always.above,
                    simulated=report.simulated > 0,
                )
    return None

"""The reports `funnel` and `heatmap`, one of each a decision point: two views of one reading of both logs."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from features.outcomes import outcomes
from features.reports.funnel import Funnel
from features.reports.heatmap import HeatMap
from features.reports.stretch import NEWEST, Stretch
from models.registry import Registry
from pipelines.policies import logs
from pipelines.reports.hours import of_points
from pipelines.settings import Settings
from serving.decisions.bank_file import BankFile
from training.policy.journal import gathered_by_point
from training.reports.funnel import funnel
from training.reports.heatmap import heatmap
from training.reports.newest import newest


def compute(
    settings: Settings, registry: Registry, as_of: datetime, computed_at: datetime, within: Stretch = NEWEST
) -> Iterator[tuple[str, str, Funnel | HeatMap]]:
    """Both reports of each decision point, by its newest decisions before `as_of` and what was known of them then.

    What came of a decision is joined once for both, a point at a time, so memory follows from `within` alone.
    """
    bank, known = BankFile(settings.action_bank).read(), logs(settings)
    since, clocks = as_of - timedelta(days=within.days), of_points(bank, registry)
    try:
        stretches = newest(known.decisions, bank.points, within.most, as_of, since)
        starts = {point: stretch.after for point, stretch in stretches.items()}
        for point, records, journal in gathered_by_point(known.decisions, starts, known.identities.table(), since):
            came = outcomes(known.events, known.decisions, known.identities, records, as_of)
            stretch = Stretch(within.days, within.most, stretches[point].limited)
            yield "funnel", point, funnel(journal, came, point, as_of, computed_at, stretch)
            yield "heatmap", point, heatmap(journal, came, point, clocks[point], as_of, computed_at, stretch)
    finally:
        known.events.engine.dispose()

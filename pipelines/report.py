"""The verb `report`: compute what the console shows and `/v1/reports/...` answers, and keep it in the database."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from features.database import open_database
from features.reports.table import Report, ReportTable
from models.registry import Registry
from pipelines.console import Tick
from pipelines.reports import coverage, funnel, heatmap, policy_value, restock_calendar, segments, uplift
from pipelines.settings import Settings

Compute = Callable[[Settings, Registry, datetime, datetime], Iterable[tuple[str, Report]]]
"""From the settings, the registry, the moment it is about and the moment of computing: (scope, report) each."""

REPORTS: Mapping[str, Compute] = {
    "coverage": coverage.compute,
    "funnel": funnel.compute,
    "heatmap": heatmap.compute,
    "policy-value": policy_value.compute,
    "segments": segments.compute,
    "uplift": uplift.compute,
    "restock-calendar": restock_calendar.compute,
}
"""What computes each report: `compute` of its module in `pipelines/reports/`."""


@dataclass(frozen=True)
class Reported:
    """One report that was written: of which scopes, and what it took."""

    name: str
    scopes: tuple[str, ...]
    cpu_seconds: float


def report(
    settings: Settings, registry: Registry, names: Collection[str], as_of: datetime, now: datetime, tick: Tick
) -> list[Reported]:
    """Compute the reports `names`, all when empty, with what was known at `as_of`.

    Raises LookupError for a name that there is not.
    """
    if unknown := sorted(set(names) - REPORTS.keys()):
        raise LookupError(f"no report is called {', '.join(unknown)}; there are {', '.join(REPORTS)}")
    table, done = ReportTable(open_database(settings.database_url)), []
    asked = [name for name in REPORTS if not names or name in names]
    try:
        for place, name in enumerate(asked):
            began, scopes = time.process_time(), []
            for scope, found in REPORTS[name](settings, registry, as_of, now):
                table.save(name, scope, found)
                scopes.append(scope)
            done.append(Reported(name, tuple(scopes), time.process_time() - began))
            tick(place + 1, len(asked))
    finally:
        table.engine.dispose()
    return done

"""The verb `report`: compute what the console shows and `/v1/reports/...` answers, and keep it in the database."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from features.database import open_database
from features.reports.table import Report, ReportTable
from models.registry import Registry
from pipelines.console import Tick
from pipelines.reports import coverage, decided, policy_value, restock_calendar, segments, uplift
from pipelines.settings import Settings

Compute = Callable[[Settings, Registry, datetime, datetime], Iterable[tuple[str, str, Report]]]
"""From the settings, the registry, the moment it is about and the moment of computing: (name, scope, report) each."""

REPORTS: Mapping[str, Compute] = {
    "coverage": coverage.compute,
    "funnel": decided.compute,
    "heatmap": decided.compute,
    "policy-value": policy_value.compute,
    "segments": segments.compute,
    "uplift": uplift.compute,
    "restock-calendar": restock_calendar.compute,
}
"""What computes each report: `compute` of a module in `pipelines/reports/`, once for all reports that it makes."""


@dataclass(frozen=True)
class Reported:
    """One report that was written: of which scopes, and what it took; of reports that are made together, what is read
    for all of them counts for the first."""

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
    table = ReportTable(open_database(settings.database_url))
    asked = [name for name in REPORTS if not names or name in names]
    scopes: dict[str, list[str]] = {name: [] for name in asked}
    spent = dict.fromkeys(asked, 0.0)
    try:
        together = list(dict.fromkeys(REPORTS[name] for name in asked))
        for place, compute in enumerate(together):
            began = time.process_time()
            for name, scope, found in compute(settings, registry, as_of, now):
                if name not in scopes:
                    continue
                table.save(name, scope, found)
                scopes[name].append(scope)
                spent[name] += time.process_time() - began
                began = time.process_time()
            tick(place + 1, len(together))
    finally:
        table.engine.dispose()
    return [Reported(name, tuple(scopes[name]), spent[name]) for name in asked]

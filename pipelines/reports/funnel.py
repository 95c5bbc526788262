"""The report `funnel`, one a decision point."""

from collections.abc import Iterator
from datetime import datetime

from features.reports.funnel import Funnel
from models.registry import Registry
from pipelines.reports.decided import decided
from pipelines.settings import Settings
from training.reports.funnel import funnel


def compute(
    settings: Settings,
    registry: Registry,  # noqa: ARG001 - what every report is computed from
    as_of: datetime,
    computed_at: datetime,
) -> Iterator[tuple[str, Funnel]]:
    """The funnel of each decision point, by all decisions before `as_of` and what was known of them then."""
    for point, _, journal, outcomes in decided(settings, as_of):
        yield point, funnel(journal, outcomes, point, as_of, computed_at)

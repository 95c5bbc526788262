"""The report `uplift`, one a decision point."""

from collections.abc import Iterator
from datetime import datetime

from features.reports.uplift import Uplift
from models.registry import Registry
from pipelines.policies import deciders, logs
from pipelines.settings import Settings
from training.reports.entrants import entrants
from training.reports.newest import newest
from training.reports.uplift import LIMIT, uplift


def compute(
    settings: Settings,
    registry: Registry,  # noqa: ARG001 - what every report is computed from
    as_of: datetime,
    computed_at: datetime,
) -> Iterator[tuple[str, str, Uplift]]:
    """The groups at each point of the action bank, by the newest decisions there, as known at `as_of`."""
    known = logs(settings)
    shares = {point: policy.shares for policy in deciders(settings).values() for point in policy.points}
    try:
        for point, stretch in newest(known.decisions, shares, LIMIT, as_of).items():
            entered = entrants(known, point, as_of, after=stretch.after)
            yield "uplift", point, uplift(entered, point, shares[point], computed_at, stretch.limited)
    finally:
        known.events.engine.dispose()

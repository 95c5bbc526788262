"""The report `heatmap`, one a decision point: quiet hours by the action bank, foreseen hours by the live send-time."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from features.reports.heatmap import HeatMap
from models.policies.rhythm import HOURS_OF_WEEK
from models.registry import CHAMPION, Registry
from pipelines.reports.decided import decided
from pipelines.settings import Settings
from serving.decisions.bank import Bank, Channel
from serving.decisions.quiet_hours import open_minutes
from serving.decisions.zones import place
from training.reports.heatmap import Hours, heatmap
from training.send_time import NAME

_NOBODY = np.array([-1], np.int32)


def compute(
    settings: Settings, registry: Registry, as_of: datetime, computed_at: datetime
) -> Iterator[tuple[str, HeatMap]]:
    """The heat map of each decision point."""
    live = registry.alias(NAME, CHAMPION)
    scores = registry.load(live).model.scores(np.zeros((1, HOURS_OF_WEEK)), _NOBODY)[0] if live else None
    for point, bank, journal, outcomes in decided(settings, as_of):
        closed = {name: _closed(bank.channels[name]) for name in bank.points[point].channels}
        hours = Hours(partial(_zone, bank), closed, f"{NAME} {live.number}" if live else None, scores)
        yield point, heatmap(journal, outcomes, point, hours, as_of, computed_at)


def _zone(bank: Bank, name: str | None) -> ZoneInfo:
    return place([name], bank.zone).zone


def _closed(channel: Channel) -> tuple[float, ...]:
    """The share of each hour of the day in which the channel says nothing."""
    is_open = np.zeros(24 * 60)
    for since, until in open_minutes(channel.quiet, channel.legal):
        is_open[since:until] = 1
    return tuple((1 - is_open.reshape(24, 60).mean(axis=1)).round(3).tolist())

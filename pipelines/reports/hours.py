"""What the heat map knows of clocks: quiet hours by the action bank, foreseen hours by the live send-time."""

from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from models.policies.rhythm import HOURS_OF_WEEK
from models.published import CHAMPION
from models.registry import Registry
from serving.decisions.bank import Bank, Channel
from serving.decisions.quiet_hours import open_minutes
from serving.decisions.zones import place
from training.reports.heatmap import Hours
from training.send_time import NAME

_NOBODY = np.array([-1], np.int32)


def of_points(bank: Bank, registry: Registry) -> dict[str, Hours]:
    """The hours of each decision point of the bank."""
    live = registry.alias(NAME, CHAMPION)
    scores = registry.load(live).model.scores(np.zeros((1, HOURS_OF_WEEK)), _NOBODY)[0] if live else None
    model = f"{NAME} {live.number}" if live else None
    closed = {name: _closed(channel) for name, channel in bank.channels.items()}
    return {
        name: Hours(partial(_zone, bank), {channel: closed[channel] for channel in point.channels}, model, scores)
        for name, point in bank.points.items()
    }


def _zone(bank: Bank, name: str | None) -> ZoneInfo:
    return place([name], bank.zone).zone


def _closed(channel: Channel) -> tuple[float, ...]:
    """The share of each hour of the day in which the channel says nothing."""
    is_open = np.zeros(24 * 60)
    for since, until in open_minutes(channel.quiet, channel.legal):
        is_open[since:until] = 1
    return tuple((1 - is_open.reshape(24, 60).mean(axis=1)).round(3).tolist())

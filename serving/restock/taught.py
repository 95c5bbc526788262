"""What a customer taught us by editing and rejecting prepared carts, for as long as it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.events import Event
from features.purchases import last_day
from models.arrays import codes_of
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups

REJECTED_FOR = 28
"""Days for which a rejected need is not proposed again, unless it is bought before."""


@dataclass(frozen=True)
class Taught:
    """Groups that are not to be proposed now, and how many packs to propose, by the ids of groups."""

    rejected: frozenset[str] = frozenset()
    packs: Mapping[str, int] = field(default_factory=dict)


def taught(feedback: Sequence[Event], forecasts: Forecasts, groups: Groups) -> Taught:
    """What `feedback` (oldest first) of one customer still says on the day of that customer's `forecasts`.

    A rejection holds until the group is bought again, 28 days at most. An edited quantity holds for the order that it
    was made for and for the cart after it; from then on what was bought speaks for itself.
    """
    rows = {str(unit): row for row, unit in enumerate(forecasts.unit_ids)}
    rejected: set[str] = set()
    packs: dict[str, int] = {}
    for event in feedback:
        day = last_day(event.occurred_at)
        ids = [line.product_id for line in event.body.lines]
        codes = codes_of(ids, groups.product_ids)
        for line, code in zip(event.body.lines, codes.tolist(), strict=True):
            row = rows.get(str(groups.unit_ids[groups.units[code]])) if code >= 0 and groups.units[code] >= 0 else None
            if row is None:
                continue
            unit = str(forecasts.unit_ids[row])
            last, before = _latest_days(forecasts, row)
            if event.body.feedback == "rejected" and last <= day and forecasts.day - day < REJECTED_FOR:
                rejected.add(unit)
            elif event.body.feedback == "edited":
                rejected.discard(unit)
                if before < day:
                    packs[unit] = max(round(line.quantity), 1)
    return Taught(frozenset(rejected), packs)


def _latest_days(forecasts: Forecasts, row: int) -> tuple[float, float]:
    """The last two days on which a group was bought; minus infinity where there is none."""
    last = forecasts.day - float(forecasts.evidence["elapsed"][row])
    interval = float(forecasts.evidence["last_interval"][row])
    return last, -np.inf if np.isnan(interval) else last - interval

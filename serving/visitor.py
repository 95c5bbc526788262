"""What is known about a visitor this second: the row of the feature store, and every event logged since it was made.

Beside it, where a placement rotates, what Kairos itself showed lately.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from features.customer_row import CustomerRow
from features.events import INTERACTION_WEIGHTS, Event
from features.purchases import kept_lines
from models.arrays import Floats, Ids
from models.recommenders.base import Query, days

PURCHASE = INTERACTION_WEIGHTS["order_completed"]
HISTORY_LENGTH = 500
_HISTORY = ("history_ids", "history_days", "history_weights")

Degraded = Literal["features_unavailable", "features_timeout", "history_unavailable", "log_unavailable"]
"""Why a visitor's row is not there, or nothing at all is known or written of anybody."""


@dataclass(frozen=True)
class Visitor:
    """A history, oldest first, one entry an interaction; `degraded` when the feature store could not be asked.

    `shown` counts how often a product was shown lately and then not touched.
    """

    ids: Ids = field(default_factory=lambda: np.empty(0, object))
    days: Floats = field(default_factory=lambda: np.empty(0))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    degraded: Degraded | None = None
    shown: Mapping[str, int] = field(default_factory=dict)

    def query(self, now: float) -> Query:
        """The question to a recommender: what follows from all that this visitor did?"""
        return Query(now, self.ids, np.minimum(self.days, now), self.weights)


def visitor_of(rows: Sequence[CustomerRow], events: Sequence[Event], degraded: Degraded | None) -> Visitor:
    """The rows' entries and then the tail's, by day; of the same moment in that order."""
    parts = [[row.values[name] for name in _HISTORY] for row in rows if "history_ids" in row.values]
    if entries := list(_wanted(events)):
        moments, ids, weights = zip(*entries, strict=True)
        parts.append([np.array(ids, object), np.array(moments, float), np.array(weights, float)])
    if not parts:
        return Visitor(degraded=degraded)
    if len(parts) > 1:
        parts = [[np.concatenate(columns) for columns in zip(*parts, strict=True)]]
    ids, moments, weights = parts[0]
    if len(moments) > HISTORY_LENGTH or (moments[1:] < moments[:-1]).any():
        order = np.argsort(moments, kind="stable")[-HISTORY_LENGTH:]
        ids, moments, weights = ids[order], moments[order], weights[order]
    return Visitor(ids, moments, weights, degraded)


def _wanted(events: Sequence[Event]) -> Iterator[tuple[float, str, float]]:
    """(day, product, weight) of what counts in the latest events, in their order; of orders, what was kept."""
    for event, kept in zip(events, kept_lines(events), strict=True):
        weight = INTERACTION_WEIGHTS.get(event.type)
        if weight is not None:
            for line in kept if event.type == "order_completed" else event.body.lines:
                yield days(event.occurred_at), line.product_id, weight

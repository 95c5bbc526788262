"""The report `overview`: the shop on one page, put together from what is live and what was computed last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.reports.coverage import Coverage
from features.reports.interval import Interval
from features.reports.maturity import Need


@dataclass(frozen=True)
class Standing:
    """How something that the service depends on stands, and what to do about it."""

    name: str
    state: Literal["ok", "degraded", "missing"]
    why: str


@dataclass(frozen=True)
class LiveVersion:
    """A model that answers now."""

    name: str
    version: str
    created_at: datetime


@dataclass(frozen=True)
class Earned:
    """What the decisions of one point brought beyond the group `over`, since a day; see the report `uplift`.

    `proved` says that the interval for who looks as often as they like lies above 0.
    """

    decision_point: str
    over: str
    since: datetime | None
    currency: str | None
    customers: int
    revenue: Interval
    always: Interval
    proved: bool
    simulated: bool


@dataclass(frozen=True)
class Overview:
    """Everything that stands on the first page. `coverage` and `earned` are None until a report was computed."""

    as_of: datetime
    computed_at: datetime
    ready: bool
    standing: tuple[Standing, ...]
    coverage: Coverage | None
    needs: tuple[Need, ...] | None
    events_a_minute: float
    events_ever: int
    decisions_by_day: tuple[tuple[datetime, int], ...]
    shown_by_day: tuple[tuple[datetime, int], ...]
    decisions_ever: int
    earned: Earned | None
    models: tuple[LiveVersion, ...]

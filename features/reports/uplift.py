"""What deciding has caused: customers drawn into groups by chance, compared by all that they bought."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from features.reports.interval import Interval

Measure = Literal["orders", "revenue"]


@dataclass(frozen=True)
class Group:
    """One group since the report begins: its configured `share`, how many `customers` were drawn into it, of how many
    the days are over (`counted`), and what those bought on average, as it is and with chance taken off by the past."""

    arm: str
    share: float
    customers: int
    counted: int
    orders: float | None
    revenue: float | None
    orders_adjusted: float | None
    revenue_adjusted: float | None


@dataclass(frozen=True)
class Contrast:
    """The policy's group less another one, `arm`, a customer.

    `plain` is the difference of the means; `adjusted` that with what the customers' past foretold taken off (CUPED),
    both with 95 % intervals for who looks once; `always` is for who looks as often as they like. `variance_left` is the
    share of the variance that the adjustment leaves. `share` is `adjusted` as a share of the other group's mean.
    """

    measure: Measure
    arm: str
    plain: Interval
    adjusted: Interval
    always: Interval
    variance_left: float | None
    share: Interval | None


@dataclass(frozen=True)
class Incremental:
    """What the policy's `customers`, as far as they are counted, brought beyond what the group `over` would have: in
    money, with the interval for who looks once and that for who looks as often as they like."""

    over: str
    customers: int
    revenue: Interval
    always: Interval


@dataclass(frozen=True)
class WeekGroup:
    """The customers of one group who were drawn in one week, and what they bought on average so far."""

    arm: str
    customers: int
    orders: float
    revenue: float


@dataclass(frozen=True)
class Week:
    """Who was drawn in the week that `begins` on a Monday (UTC).

    `mature` says that everybody's days are over; until then the numbers still grow and are not to be compared.
    `revenue` is the policy's group less the holdout, a customer, with a 95 % interval; None without either.
    """

    begins: date
    mature: bool
    groups: tuple[WeekGroup, ...]
    revenue: Interval | None


@dataclass(frozen=True)
class Uplift:
    """All customers about whom something was decided at `decision_point` since `since`, or the newest of them.

    A customer counts from the first decision on, for `days`, with every order of theirs; who was drawn later than
    `counted_until` has not been seen for so long. `ratio` is the probability that chance makes groups as far from their
    shares as these; below 0.001 (`mismatch`) nothing here is to be believed. `foreign_orders` were paid in another
    currency: they count as orders and not as money.
    """

    as_of: datetime
    computed_at: datetime
    decision_point: str
    currency: str | None
    days: float
    history_days: float
    since: datetime | None
    counted_until: datetime | None
    customers: int
    limit: int
    limited: bool
    foreign_orders: int
    ratio: float | None
    mismatch: bool
    groups: tuple[Group, ...]
    contrasts: tuple[Contrast, ...]
    incremental: tuple[Incremental, ...]
    weeks: tuple[Week, ...]
    simulated: int = 0

    def contrast(self, measure: Measure, arm: str) -> Contrast | None:
        """The policy against that group; None where one of them is empty."""
        return next((one for one in self.contrasts if (one.measure, one.arm) == (measure, arm)), None)

    def incremental_over(self, arm: str) -> Incremental | None:
        """What it brought beyond that group; None where one of them is empty."""
        return next((one for one in self.incremental if one.over == arm), None)

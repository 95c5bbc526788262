"""Who will need something again on which day, and how much of what: the weeks ahead, and how true that came before."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from features.reports.interval import Interval
from features.reports.share import Share

Kind = Literal["group", "product"]


@dataclass(frozen=True)
class DueDay:
    """How many customers are expected to need something on a day, with the ends of the 80 % interval.

    The mean is the sum, over all customers, of the probability of any need on that day.
    """

    day: date
    customers: Interval


@dataclass(frozen=True)
class Demand:
    """How many packs of a group or a product are expected until the last day of the weeks ahead, with 80 % intervals.

    `title` is what people call it, None where the catalogue says nothing. `customers` is how many are expected to come
    back for it at least once.
    """

    kind: Kind
    id: str
    title: str | None
    packs: Interval
    customers: Interval


@dataclass(frozen=True)
class Bin:
    """Forecasts of about the same probability: what was said on average, and the share that came true."""

    foreseen: float
    happened: Share


@dataclass(frozen=True)
class Calibration:
    """How true the forecasts of a version came, for needs within `days` days; `error` is the mean distance of the two.

    It was judged when the version was trained, on purchases that the model on trial had not seen.
    """

    model_version: str
    days: int
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Acceptance:
    """What customers said of the proposals of prepared carts, by how sure the forecast behind them was.

    `confidence` is None for proposals of which it was not kept. `said` of `proposed` got any word; of these, `taken`
    were ordered as proposed or in another quantity, the others rejected. `proposed` is how many stood in carts.
    """

    confidence: str | None
    proposed: int
    ordered: int
    edited: int
    rejected: int
    taken: Share


@dataclass(frozen=True)
class RestockCalendar:
    """As of the end of the table of who is due: `customers` in it, with `forecasts` of groups.

    `days` are six weeks ahead, the first one the day after `as_of`. `demand` is the largest of each kind, `groups` and
    `products` how many there are; `packs` is all of it together. `calibration` is None where the live version was
    trained before this was kept; `acceptance` is of `carts` prepared since `carts_since`, `simulated` of
    them for made customers.
    """

    as_of: datetime
    computed_at: datetime
    customers: int
    forecasts: int
    days: tuple[DueDay, ...]
    demand_days: int
    demand: tuple[Demand, ...]
    groups: int
    products: int
    packs: Interval
    model_version: str | None
    calibration: Calibration | None
    carts: int
    carts_since: datetime
    acceptance: tuple[Acceptance, ...]
    simulated: int = 0

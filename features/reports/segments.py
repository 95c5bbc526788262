"""Who the customers are: by what they bought, how likely they come back, and what they bought first."""

from dataclasses import dataclass
from datetime import datetime

from features.reports.share import Share


@dataclass(frozen=True)
class Edges:
    """Where classes end: a customer is in the first class whose edge is not below their value; the last has no edge."""

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Class:
    """Customers of one score, from 1 to 5, where 5 is the best; `least` and `most` are the values they have."""

    score: int
    least: float
    most: float
    customers: int
    revenue: float


@dataclass(frozen=True)
class Cell:
    """Customers of one score of recency and one of frequency, with their shares of all who ever ordered."""

    key: str
    recency: int
    frequency: int
    customers: int
    revenue: float
    customers_share: float
    revenue_share: float | None


@dataclass(frozen=True)
class Decile:
    """A tenth of the customers by how likely they order within 28 days, the least likely first.

    `expected` is the mean of what was foreseen, `came` how many of them did order, where that is known.
    """

    key: str
    number: int
    least: float
    most: float
    customers: int
    expected: float
    came: Share | None


@dataclass(frozen=True)
class Gateway:
    """A product of first orders, and how many of its customers ordered again in time.

    `estimate` is `returned` shrunk to the shop's mean, with its 95 % interval. `proved` is 1 where more came back than
    without the product, -1 where fewer did, at a false discovery rate of 5 % over all products; else 0. That is an
    association: the product need not be the reason.
    """

    product_id: str
    returned: Share
    estimate: float
    low: float
    high: float
    proved: int


@dataclass(frozen=True)
class Gateways:
    """Customers whose first order was from `since` until `until`, so that `days` for a second one have passed.

    Who ordered in the first `lead_days` of the history is left out: nobody knows whether that was the first time.
    `compared` products were in the first orders of `fewest` customers at least; the likeliest are listed.
    """

    since: datetime | None
    until: datetime | None
    days: int
    lead_days: int
    fewest: int
    returned: Share
    compared: int
    products: tuple[Gateway, ...]


@dataclass(frozen=True)
class Segments:
    """Everybody in the table of customers made for `table_as_of`; each is `without_order` or in one of the `cells`.

    `deciles` are of the forecast made for `forecast_as_of`; `checked` are those of an older forecast, made for
    `checked_as_of`, 28 days after which are known.
    """

    as_of: datetime
    computed_at: datetime
    table_as_of: datetime | None
    customers: int
    without_order: int
    revenue: float
    edges: Edges
    recency: tuple[Class, ...]
    frequency: tuple[Class, ...]
    monetary: tuple[Class, ...]
    cells: tuple[Cell, ...]
    forecast_as_of: datetime | None
    deciles: tuple[Decile, ...]
    checked_as_of: datetime | None
    checked: tuple[Decile, ...]
    gateways: Gateways

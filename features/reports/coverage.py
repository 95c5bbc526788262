"""The report `coverage`: of how many customers and products something is known, which a page cannot count itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Coverage:
    """Counts as of a moment.

    `buyers` ordered at least once, so they are recommended to from their own history; `repeat_buyers` on two days or
    more. `periodic_pairs` are (customer, product) bought on three days or more; `foreseen` are customers with a
    forecast of what they need again, None where none was made. `days` is how long the history of orders reaches.
    """

    as_of: datetime
    computed_at: datetime
    customers: int
    buyers: int
    repeat_buyers: int
    periodic_pairs: int
    foreseen: int | None
    products: int
    products_sold: int
    sold_and_known: int
    days: int

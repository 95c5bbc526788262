"""Who ordered when, asked of what is visible as of a moment: first orders and what followed, and who came at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import pyarrow as pa

from features.compute import Visible
from features.log import microseconds, moment


@dataclass(frozen=True)
class FirstOrders:
    """Customers whose first order was from `since` until before `until`: how many, and who ordered again in time.

    `products` has a row a product of their first orders: product_id, customers, returned.
    """

    since: datetime
    until: datetime
    customers: int
    returned: int
    products: pa.Table


def first_orders(seen: Visible, lead: timedelta, within: timedelta, fewest: int) -> FirstOrders | None:
    """What came of first orders `within` whose time has passed; None where the history is too short to say.

    Who ordered in the first `lead` of the history may have done so before, so they are left out. Products with fewer
    than `fewest` customers are too.
    """
    begins = _moment(seen, "SELECT min(us) FROM visible WHERE type = 'order_completed'")
    if begins is None:
        return None
    since, until = begins + lead, seen.as_of - within
    if since >= until:
        return None
    asked = {"since": since, "until": until, "within_us": within // timedelta(microseconds=1), "fewest": fewest}
    table = _ask(seen, "first_orders.sql", asked)
    total, products = table.slice(0, 1).to_pylist()[0], table.slice(1)
    return FirstOrders(since, until, total["customers"], total["returned"], products)


def known_until(seen: Visible) -> datetime | None:
    """When the last of the visible events occurred; None where there is none."""
    return _moment(seen, "SELECT max(us) FROM visible")


def orderers(seen: Visible, since: datetime, until: datetime) -> pa.Table:
    """The customers (customer_id, sorted) who ordered from `since` until before `until`."""
    return _ask(seen, "orderers.sql", {"since": since, "until": until})


def _moment(seen: Visible, query: str) -> datetime | None:
    ((us,),) = seen.connection.execute(query).fetchall()
    return None if us is None else moment(us)


def _ask(seen: Visible, query: str, asked: dict[str, Any]) -> pa.Table:
    named = {key: microseconds(value) if isinstance(value, datetime) else value for key, value in asked.items()}
    return seen.connection.sql(files("features").joinpath("sql", query).read_text(), params=named).to_arrow_table()

"""Products of first orders after which customers came back: an association, and which of them is more than chance.

Thousands of products are looked at, and some always look good. So shares are shrunk to the shop's own, and a product is
called different only at a false discovery rate over all that were compared.
"""

from datetime import timedelta

import numpy as np

from features.first_orders import FirstOrders
from features.reports.segments import Gateway, Gateways
from training.reports.discoveries import discoveries, p_values
from training.reports.shrinkage import shrunk
from training.reports.wilson import share

WITHIN = timedelta(days=60)
LEAD = timedelta(days=60)
FEWEST = 10
"""Customers who began with a product; of fewer nothing could be said."""

LISTED = 30


def gateways(found: FirstOrders | None) -> Gateways:
    """The products by their shrunk share of customers who came back, the highest first; all that differ are in it."""
    if found is None:
        return Gateways(None, None, WITHIN.days, LEAD.days, FEWEST, share(0, 0), 0, ())
    ids = found.products["product_id"].to_pylist()
    customers = found.products["customers"].to_numpy().astype(np.int64)
    returned = found.products["returned"].to_numpy().astype(np.int64)
    different = discoveries(p_values(returned, customers, found.returned, found.customers))
    more = returned * found.customers > found.returned * customers
    proved = np.where(different, np.where(more, 1, -1), 0)
    rates = shrunk(returned, customers, common=(found.returned, found.customers))
    order = np.lexsort((ids, -rates.mean)) if ids else np.empty(0, np.int64)
    listed = [row for place, row in enumerate(order.tolist()) if place < LISTED or proved[row]]
    products = tuple(
        Gateway(
            product_id=ids[row],
            returned=share(returned[row], customers[row]),
            estimate=round(float(rates.mean[row]), 5),
            low=round(float(rates.low[row]), 5),
            high=round(float(rates.high[row]), 5),
            proved=int(proved[row]),
        )
        for row in listed
    )
    whole = share(found.returned, found.customers)
    return Gateways(found.since, found.until, WITHIN.days, LEAD.days, FEWEST, whole, len(ids), products)

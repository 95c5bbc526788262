"""A shop that sells one tea and one coffee; four customers come for tea each week, and now and then for coffee."""

import numpy as np

from models.catalogue import Catalogue
from models.time_to_event.lines import Lines

FIRST_DAY = 20_000
WEEKS = 16
CUSTOMERS = 4


def weekly_tea() -> tuple[Lines, Catalogue]:
    """The lines of sixteen weeks, and the catalogue with a category for each product."""
    products = np.array(["coffee", "tea"], object)
    week = np.arange(WEEKS)
    tea = [(who, 1, FIRST_DAY + who + 7 * int(when)) for who in range(CUSTOMERS) for when in week]
    coffee = [(who, 0, FIRST_DAY + who + 7 * int(when)) for who in range(CUSTOMERS) for when in week[:: who + 2]]
    customers, codes, days = (np.array(column, np.int32) for column in zip(*tea, *coffee, strict=True))
    lines = Lines(
        customers=customers,
        products=codes,
        days=days,
        packs=np.ones(len(days)),
        prices=np.full(len(days), 3.0),
        product_ids=products,
        customer_count=CUSTOMERS,
        day=int(days.max()) + 1,
    )
    categories = np.array(["pantry/coffee", "pantry/tea"], object)
    return lines, Catalogue(float(lines.day), products, texts={"category": categories})

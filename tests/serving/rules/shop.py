"""A small shop at random: products with gaps everywhere, columns over them, and pages of its visitors."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from features.catalog import Product
from models.catalogue import Catalogue
from serving.rules.candidates import Candidate
from serving.rules.columns import Columns
from serving.rules.page import Page

DAY = 20_000.0
ITEMS = 30
IDS = np.array(sorted(f"{'яßb'[code % 3]}{code}" for code in range(ITEMS)), object)
BRANDS = ("X", "Y", "Z")
CATEGORIES = ("pets", "pets/food", "pets/food/dry", "petshop", "garden/tools", "garden/")
COLOURS = ("red", "Red", "blue")


def shop(seed: int, size: int = ITEMS) -> tuple[dict[str, Product], Columns]:
    """A shop whose every value is drawn from `seed`, and columns over all ids, also of what it does not sell."""
    rng = np.random.default_rng(seed)
    ids = IDS if size == ITEMS else np.array(sorted(f"p{code}" for code in range(size)), object)

    def one(values: Sequence[object]) -> object:
        place = int(rng.integers(len(values) + 1))
        return None if place == len(values) else values[place]

    found = {}
    for id_ in ids[rng.random(size) < 0.9]:
        attributes = {"colour": one(COLOURS), "margin": one(["0.1", "0.5", "high"])}
        found[id_] = Product(
            product_id=id_,
            title=one(["Tea", "Green tea", "Cake"]),
            category=one(CATEGORIES),
            brand=one(BRANDS),
            group_id=one(["g1", "g2", "g3"]),
            price=one([Decimal(0), Decimal("1.5"), Decimal(3), Decimal(9), Decimal(40)]),
            in_stock=bool(rng.random() < 0.8),
            periodic=one([True, False]),
            stock=one([{}, {"msk": 0.0}, {"msk": 2.0}, {"spb": 1.0, "msk": 1.0}]) or {},
            attributes={name: value for name, value in attributes.items() if value is not None},
        )
    numbers = {
        "since": np.where(rng.random(size) < 0.2, np.nan, DAY - rng.exponential(40, size)),
        "popularity_30d": rng.random(size),
        "orders_365d": rng.integers(0, 40, size).astype(float),
        "repeat_share": np.where(rng.random(size) < 0.3, np.nan, rng.random(size) / 2),
    }
    return found, Columns.build(ids, found, Catalogue(DAY, ids, numbers=numbers))


def page(seed: int, columns: Columns, **given: object) -> Page:
    """A visitor with a history of up to 20 entries, some of products that nobody knows."""
    rng = np.random.default_rng(seed)
    length = int(rng.integers(20))
    known = [*columns.item_ids, "unknown"]
    return Page(
        day=DAY,
        history_ids=np.array([known[place] for place in rng.integers(len(known), size=length)], object),
        days=DAY - rng.exponential(5, length),
        weights=rng.choice([0.1, 0.3, 1.0], length),
        cart_ids=(known[int(rng.integers(len(known)))],),
        context_ids=(known[int(rng.integers(len(known)))],),
        excluded_ids=(known[int(rng.integers(len(known)))],),
        shown={known[int(place)]: 2 for place in rng.integers(len(known), size=5)},
        **{"seed": seed, **given},
    )


def candidates(seed: int, columns: Columns, count: int) -> list[Candidate]:
    """What two models found, one after the other, with ids nobody knows and one found twice."""
    rng = np.random.default_rng(seed)
    known = [*columns.item_ids, "unknown"]
    ids = [known[int(place)] for place in rng.integers(len(known), size=count)]
    first = count // 2
    scores = [*np.sort(rng.normal(2, 2, first))[::-1], *np.sort(rng.random(count - first))[::-1]]
    return [
        Candidate(id_, float(scores[place]), *(("als", 0) if place < first else ("popularity", 1)))
        for place, id_ in enumerate(ids)
    ]

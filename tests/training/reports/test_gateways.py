"""Gateway products: worlds without any find none, planted ones are found, and the listed shares are shrunk."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from features.first_orders import FirstOrders
from features.reports.segments import Gateways
from tests.training.policy.planted import START
from training.reports.gateways import FEWEST, LISTED, gateways


def world(seed: int, gates: int = 0, customers: int = 3_000, products: int = 150) -> FirstOrders:
    """First baskets of one to four products; whoever began with one of the first `gates` comes back twice as often.

    Baskets overlap and some people come back more than others, so products are not independent of each other.
    """
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(products, 0.7))
    baskets = np.zeros((customers, products), bool)
    for _ in range(4):
        wanted = rng.choice(products, customers, p=share)
        there = rng.random(customers) < 0.6
        baskets[np.flatnonzero(there), wanted[there]] = True
    baskets[:, :gates] |= rng.random((customers, gates)) < 0.1
    chance = np.clip(rng.beta(3, 7, customers) * np.where(baskets[:, :gates].any(axis=1), 2.0, 1.0), 0, 1)
    back = rng.random(customers) < chance
    count, returned = baskets.sum(axis=0), (baskets & back[:, None]).sum(axis=0)
    kept = np.flatnonzero(count >= FEWEST)
    table = pa.table(
        {"product_id": [f"p{place:03d}" for place in kept], "customers": count[kept], "returned": returned[kept]}
    )
    return FirstOrders(START, START + timedelta(days=90), customers, int(back.sum()), table)


def proved(found: Gateways) -> set[str]:
    return {one.product_id for one in found.products if one.proved > 0}


def test_worlds_without_a_gateway_hardly_find_one() -> None:
    found = [gateways(world(seed)) for seed in range(40)]
    wrong = sum(any(one.proved for one in each.products) for each in found)
    assert wrong <= 0.05 * 40 + 3 * np.sqrt(0.05 * 0.95 * 40)


def test_planted_gateways_are_found_and_hardly_anything_else() -> None:
    false: list[float] = []
    for seed in range(100, 112):
        mine = proved(gateways(world(seed, gates=5)))
        assert len(mine & {f"p{place:03d}" for place in range(5)}) >= 4
        false.append(len(mine - {f"p{place:03d}" for place in range(5)}) / max(len(mine), 1))
    assert np.mean(false) <= 0.08


def test_shares_are_shrunk_to_the_shops_own() -> None:
    found = gateways(world(7))
    mean = found.returned.value
    assert mean is not None
    for one in found.products:
        assert one.returned.value is not None
        assert min(mean, one.returned.value) - 0.02 <= one.estimate <= max(mean, one.returned.value) + 0.02
        assert one.low <= one.estimate <= one.high
    estimates = [one.estimate for one in found.products]
    assert estimates == sorted(estimates, reverse=True)
    assert len(found.products) == min(LISTED, found.compared)


def test_without_first_orders_nothing_is_known() -> None:
    empty = pa.table({"product_id": pa.array([], pa.string()), "customers": pa.array([], pa.int64())})
    empty = empty.append_column("returned", pa.array([], pa.int64()))
    for found in (gateways(None), gateways(FirstOrders(START, START, 0, 0, empty))):
        assert (found.compared, found.products, found.returned.value) == (0, (), None)

"""Sparse matrices say what the formulas of the papers say, written here as loops over baskets."""

import numpy as np
import pytest

from benchmarks.peers.baskets import alike, frequency_vectors, nearest, recent_popularity
from benchmarks.peers.exchange import Lines

ITEMS, CUSTOMERS = 12, 9


def shop(seed: int = 0) -> tuple[Lines, list[list[list[int]]]]:
    """Customers with one to eleven baskets, as lines and as lists; some lines twice in a basket."""
    rng = np.random.default_rng(seed)
    histories = [
        [sorted(rng.integers(ITEMS, size=rng.integers(1, 5)).tolist()) for _ in range(int(rng.integers(1, 12)))]
        for _ in range(CUSTOMERS)
    ]
    rows, basket = [], 0
    for customer, history in enumerate(histories):
        for day, items in enumerate(history):
            rows += [(customer, item, basket, float(day)) for item in items]
            basket += 1
    customers, items_, baskets, days = (np.array(column) for column in zip(*rows, strict=True))
    lines = Lines(
        customers=customers.astype(np.int32),
        items=items_.astype(np.int32),
        baskets=baskets.astype(np.int32),
        days=days.astype(np.float64),
        weights=np.ones(len(rows)),
        asked=np.array([4, 1, 7], np.int32),
        customer_count=CUSTOMERS,
        item_count=ITEMS,
    )
    return lines, histories


def tifu(history: list[list[int]], within: float, group: float, groups: int) -> list[float]:
    """One customer's vector, group by group."""
    count = len(history)
    faded = [
        [within ** (count - place - 1) * (item in basket) for item in range(ITEMS)]
        for place, basket in enumerate(history)
    ]
    if count < groups:
        parts = [[place] for place in range(count)]
    else:
        longer = count % groups
        lengths = [count // groups] * (groups - longer) + [count // groups + 1] * longer
        bounds = np.cumsum([0, *lengths])
        parts = [list(range(bounds[number], bounds[number + 1])) for number in range(groups)]
    total = np.zeros(ITEMS)
    for number, part in enumerate(parts):
        total += group ** (groups - number - 1) * np.mean([faded[place] for place in part], axis=0)
    return list(total / len(parts))


@pytest.mark.parametrize("groups", [1, 3, 4, 20])
def test_tifuknn_vectors_are_those_of_the_loop(groups: int) -> None:
    lines, histories = shop()
    expected = [tifu(history, 0.9, 0.7, groups) for history in histories]
    assert np.allclose(frequency_vectors(lines, 0.9, 0.7, groups).toarray(), expected)


@pytest.mark.parametrize("recency", [0, 1, 3, 50])
def test_recent_popularity_is_the_share_of_the_last_baskets(recency: int) -> None:
    lines, histories = shop()
    recent = [history[-recency:] if recency else history for history in histories]
    expected = [[np.mean([item in basket for basket in baskets]) for item in range(ITEMS)] for baskets in recent]
    assert np.allclose(recent_popularity(lines, recency).toarray(), expected)


def test_the_nearest_are_the_nearest_and_oneself() -> None:
    lines, _ = shop()
    vectors = frequency_vectors(lines, 0.9, 0.7, 3)
    mean = nearest(vectors, lines.asked, 4).toarray()
    dense = vectors.toarray()
    for row, customer in enumerate(lines.asked):
        distances = np.linalg.norm(dense - dense[customer], axis=1)
        assert set(np.flatnonzero(mean[row])) == set(np.argsort(distances)[:4])
        assert mean[row, customer] == pytest.approx(0.25)


@pytest.mark.parametrize(("asymmetry", "locality"), [(0.0, 1), (0.25, 1), (0.5, 5)])
def test_upcf_compares_what_two_ever_bought_and_counts_the_asked_twice(asymmetry: float, locality: int) -> None:
    lines, histories = shop()
    owned = [set().union(*history) for history in histories]
    found = alike(lines, asymmetry, locality).toarray()
    for one in lines.asked:
        for other in range(CUSTOMERS):
            shared = len(owned[one] & owned[other]) / (
                len(owned[one]) ** asymmetry * len(owned[other]) ** (1 - asymmetry)
            )
            assert found[one, other] == pytest.approx(shared**locality * (2 if one == other else 1))

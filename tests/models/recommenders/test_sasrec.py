"""SASRec answers without torch, and knows that order matters."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.sasrec import SASRec
from tests.models.recommenders.test_sessions import HOUR
from tests.models.recommenders.world import UNTIL, query, random_shop

SMALL = SASRec(factors=16, blocks=1, heads=1, epochs=12, batch=16, negatives=12, rate=1e-2)


def chains(count: int = 150) -> Interactions:
    """Everybody walks 0, 1, 2, ... from a start of his own; the product 12 nobody touches."""
    starts = np.random.default_rng(0).integers(0, 9, count)
    return Interactions(
        customers=np.repeat(np.arange(count, dtype=np.int32), 4),
        items=(starts[:, None] + np.arange(4)).astype(np.int32).ravel(),
        days=UNTIL - np.repeat(np.linspace(90, 1, count), 4) + HOUR * np.tile(np.arange(4), count),
        weights=np.ones(4 * count),
        item_ids=np.array([f"{code:02d}" for code in range(13)], object),
        customer_count=count,
        until=UNTIL,
    )


def test_it_goes_on_where_the_walk_goes_and_is_served_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SMALL.fit(chains())
    restored = SMALL.restore(model.arrays())
    monkeypatch.setitem(sys.modules, "torch", None)
    for code in range(2, 9):
        history = query([f"{code - 1:02d}", f"{code:02d}"], UNTIL - HOUR * np.array([2, 1]))
        (best,) = restored.recommend([history], 1, ~np.isin(model.item_ids, history.history_ids)).row(0)
        assert best[0] == f"{code + 1:02d}"
        assert 0 < best[1] <= 1


def test_a_product_of_no_sequence_is_neither_shown_nor_read() -> None:
    model = SMALL.fit(chains())
    assert "12" not in {id_ for id_, _, _ in model.recommend([query(["03"])], 13).row(0)}
    assert model.recommend([query(["12"])], 3).row(0) == []
    assert model.similar(["12"], 3).row(0) == []


def test_what_the_answer_rests_on_is_named() -> None:
    model = replace(SMALL, epochs=25).fit(chains())
    history = query(["01", "05"], UNTIL - HOUR * np.array([2, 1]))
    (best,) = model.recommend([history], 1, ~np.isin(model.item_ids, history.history_ids)).row(0)
    added = model.contributions(history, [best[0]])
    assert added[1, 0] > added[0, 0]


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch=="):
        SMALL.fit(random_shop())


def test_heads_must_part_the_factors() -> None:
    with pytest.raises(ValueError, match="heads=3"):
        SASRec(factors=64, heads=3)

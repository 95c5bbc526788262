"""Fallback fills up from the next source, never doubles, and says which source each answer came from."""

from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.fallback import Fallback, FittedFallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from tests.models.recommenders.world import ITEMS, query, random_queries, random_shop

SHOP = random_shop()
PRUNED = Fallback((RP3Beta(neighbours=2, repeat=0.0), Popularity()))


def test_the_first_source_answers_first_and_the_next_fills_without_doubles() -> None:
    model = PRUNED.fit(SHOP)
    first, second = (source.recommend(random_queries(SHOP, 20), ITEMS) for source in model.sources)
    answer = model.recommend(random_queries(SHOP, 20), ITEMS)
    mixed = 0
    for row in range(20):
        own, entries = first.row(row), answer.row(row)
        assert entries[: len(own)] == own
        taken = {id_ for id_, _, _ in own}
        assert entries[len(own) :] == [entry for entry in second.row(row) if entry[0] not in taken]
        mixed += 0 < len(own) < len(entries)
    assert mixed > 5


def test_it_leaves_the_next_source_alone_when_the_first_has_enough() -> None:
    answer = PRUNED.fit(SHOP).recommend([query(SHOP.item_ids[:6])], 2)
    assert set(answer.sources[0]) == {"rp3beta"}


def test_filters_hold_in_every_source() -> None:
    allow = np.zeros(ITEMS, bool)
    allow[[1, 5]] = True
    answer = PRUNED.fit(SHOP).recommend([query([]), query(SHOP.item_ids[:3])], 9, allow)
    for row in range(2):
        assert {id_ for id_, _, _ in answer.row(row)} == set(SHOP.item_ids[[1, 5]])


def test_sources_of_different_catalogues_are_refused() -> None:
    other = replace(SHOP, item_ids=np.array([f"x{code:02d}" for code in range(ITEMS)], object))
    with pytest.raises(ValueError, match="fit both on the same"):
        FittedFallback(Fallback(), (RP3Beta().fit(SHOP), Popularity().fit(other)))


def test_no_sources_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one source"):
        Fallback(())

"""Vectors of words: of length one or nothing, the same by product and by word, unmoved by products told of later."""

import numpy as np
import pytest

from models.arrays import united
from models.catalogue import Catalogue
from models.recommenders.product_words import Words
from models.recommenders.word_vectors import WordVectors


def told(**titles: str | None) -> Catalogue:
    return Catalogue(
        0.0, np.array(sorted(titles), object), {"title": np.array([titles[id_] for id_ in sorted(titles)], object)}
    )


SHOP = told(a="green tea", c="black tea", e=None, g="tea kettle, black")
VECTORS = WordVectors.of(Words.of(SHOP), 4, 2.0)


def test_every_described_product_has_length_one() -> None:
    lengths = np.sqrt((VECTORS.matrix(VECTORS.rows).toarray() ** 2).sum(axis=1))
    assert lengths == pytest.approx([1, 1, 0, 1])


def test_the_rarer_word_weighs_more() -> None:
    black, green, tea = (int(VECTORS.searched(word).argmax()) for word in ("black", "green", "tea"))
    assert VECTORS.rarity[green] > VECTORS.rarity[black] > VECTORS.rarity[tea]
    assert VECTORS.rarity[tea] == pytest.approx(np.log(1 + 3 / 3) ** 2)


def test_by_word_and_by_product_it_is_the_same() -> None:
    profile = VECTORS.profile(np.array([0, 3]), np.array([1.0, 0.5]))
    words = VECTORS.strongest(profile, 10_000)
    whole = VECTORS.matrix(VECTORS.rows).toarray()
    assert VECTORS.alike(profile, words) == pytest.approx(whole @ profile)
    added = VECTORS.added(np.array([0, 3]), np.array([0, 1, -1], np.int32), words)
    assert np.array([1.0, 0.5]) @ added == pytest.approx([*(whole @ profile)[:2], 0])


def test_the_strongest_word_counts_whatever_it_costs() -> None:
    profile = VECTORS.searched("tea")
    assert VECTORS.strongest(profile, 0).tolist() == [profile.argmax()]
    assert VECTORS.strongest(np.zeros(len(VECTORS.names)), 0).size == 0


def test_products_told_of_later_stand_among_the_others_and_change_none_of_them() -> None:
    later = told(b="tea brick", e="white tea", g=None)
    ids = united(SHOP.item_ids, later.item_ids)
    wider = VECTORS.told(SHOP.item_ids, ids, later)
    assert ids.tolist() == ["a", "b", "c", "e", "g"]
    both = np.searchsorted(wider.names, VECTORS.names)
    now, before = wider.matrix(wider.rows).toarray(), VECTORS.matrix(VECTORS.rows).toarray()
    assert now[[0, 2, 4]][:, both] == pytest.approx(before[[0, 1, 3]])
    assert (wider.searched("brick") @ now.T).argmax() == 1
    assert (wider.searched("white") @ now.T).argmax() == 3
    assert wider.rarity[wider.searched("brick").argmax()] == VECTORS.rarity.max()
    assert wider.plainness()[[0, 2, 4]] == pytest.approx(VECTORS.plainness()[[0, 1, 3]])

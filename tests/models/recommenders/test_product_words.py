"""One vocabulary for all fields, and the same word for the same text wherever and whenever it is read."""

import numpy as np

from models.catalogue import Catalogue
from models.recommenders.product_words import Words


def words(**texts: list[str | None]) -> Words:
    count = len(next(iter(texts.values())))
    ids = np.array([f"{place:03d}" for place in range(count)], object)
    return Words.of(Catalogue(0.0, ids, {name: np.array(column, object) for name, column in texts.items()}))


def shared(said: Words, one: int = 0, other: int = 1) -> int:
    return len(np.intersect1d(said.names[said.rows == one], said.names[said.rows == other]))


def test_case_and_alphabet_do_not_separate() -> None:
    assert shared(words(title=["Зелёный ЧАЙ", "зелёный чай"])) == len(words(title=["зелёный чай"]).names)


def test_pieces_join_forms_of_a_word_and_typing_errors() -> None:
    assert shared(words(title=["чайный гриб", "чайная роза"])) >= 3
    assert shared(words(title=["chocolate", "choclate"])) >= 3
    assert shared(words(title=["tea", "cup"])) == 0


def test_levels_of_a_category_are_shared_from_the_top() -> None:
    near, far, none = (shared(words(category=["a/b/c", other])) for other in ("a/b/d", "a/x", "y"))
    assert near > far > none == 0


def test_a_field_is_part_of_the_word_but_what_people_search_is_found_in_title_category_and_brand() -> None:
    assert shared(words(colour=["red", None], brand=[None, "red"])) == 0
    for field in ("title", "category", "brand"):
        said = words(**{field: ["Coffee", None]})
        assert len(np.intersect1d(said.names, Words.searched("coffee").names))


def test_near_prices_share_a_word_and_far_ones_do_not() -> None:
    prices = np.array([9.9, 10.4, 30.0, np.nan, 0.0])
    ids = np.array(list("abcde"), object)
    said = Words.of(Catalogue(0.0, ids, numbers={"price": prices}))
    assert shared(said, 0, 1) > 0
    assert shared(said, 0, 2) == 0
    assert set(said.rows) == {0, 1, 2}


def test_each_word_of_a_product_stands_once_with_its_largest_weight() -> None:
    said = words(title=["tea tea"], category=["tea"])
    assert len(np.unique(said.names)) == len(said.names)
    found = said.weights[np.isin(said.names, Words.searched("tea").names)]
    assert sorted(found) == [0.3, 0.3, 0.3, 1.0]
    assert (np.diff(said.names.astype(object)) > 0).all()


def test_nothing_said_is_no_word() -> None:
    assert len(words(title=[None, "", "  !"], brand=[None, None, None]).names) == 0
    assert len(Words.of(Catalogue.bare()).names) == 0

"""What is described alike is found, a new product as soon as it is described; search finds words in every field."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query
from models.recommenders.content import Content, FittedContent
from models.recommenders.product_words import Words
from tests.models.recommenders.world import UNTIL, query, random_queries, random_shop

TITLES = {
    "01": "Green tea with jasmine",
    "02": "Black tea, Assam",
    "03": "Ground coffee, Arabica",
    "04": "Coffee beans, Arabica",
    "05": "Чай чёрный байховый",
    "06": "Garden hose, 20 m",
}
BRANDS = {"01": "Althaus", "02": "Althaus", "06": "Gardena"}


def told(titles: dict[str, str], day: float = UNTIL) -> Catalogue:
    ids = np.array(sorted(titles), object)
    texts = {
        "title": np.array([titles[id_] for id_ in ids], object),
        "brand": np.array([BRANDS.get(id_) for id_ in ids], object),
    }
    return Catalogue(day, ids, texts)


def shop(catalogue: Catalogue) -> Interactions:
    """Nobody has touched anything."""
    return Interactions(
        customers=np.empty(0, np.int32),
        items=np.empty(0, np.int32),
        days=np.empty(0),
        weights=np.empty(0),
        item_ids=catalogue.item_ids,
        customer_count=0,
        until=UNTIL,
        catalogue=catalogue,
    )


MODEL = Content().fit(shop(told(TITLES)))


def found(model: FittedContent, asked: Query, k: int = 6) -> list[str]:
    return [id_ for id_, _, _ in model.recommend([asked], k).row(0)]


def similar(model: FittedContent, id_: str) -> list[str]:
    return [other for other, _, _ in model.similar([id_], 6).row(0)]


def test_of_equal_answers_to_a_search_the_popular_come_first() -> None:
    twins = told(dict.fromkeys(("11", "12", "13"), "Cat food, 5 oz") | {"14": "Dog food, 5 oz"})
    wanted = replace(twins, numbers={"popularity_30d": np.array([1.0, np.nan, 7.0, 900.0])})
    search = Query(UNTIL, text="cat food")
    model = Content().fit(shop(wanted))
    assert found(model, search) == ["13", "11", "12", "14"], "words first, then popularity, then ids"
    bare = Content().fit(shop(twins))
    assert found(bare, search) == ["11", "12", "13", "14"]
    assert found(bare.extended(wanted), search) == found(model, search)
    assert found(Content().restore(model.arrays()), search) == found(model, search)
    arrays = {name: array for name, array in model.arrays().items() if name != "popularity"}
    assert found(Content().restore(arrays), search) == found(bare, search)


def test_products_that_nobody_has_bought_are_found_by_what_is_said_of_them() -> None:
    assert similar(MODEL, "03")[0] == "04"
    assert similar(MODEL, "01")[0] == "02"
    assert found(MODEL, query(["03"]))[:2] == ["03", "04"]
    assert "06" not in similar(MODEL, "03")


def test_the_context_decides_and_is_not_proposed_itself() -> None:
    assert found(MODEL, replace(query(["01", "02"]), context_ids=("03",)), 1) == ["04"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("arabica beans", "04"),
        ("чай", "05"),
        ("чаи", "05"),
        ("gardena", "06"),
        ("jasmin", "01"),
        ("COFFEE ground", "03"),
    ],
)
def test_search_finds_words_and_their_forms_in_any_field(text: str, first: str) -> None:
    assert found(MODEL, replace(query(["06"]), text=text), 1) == [first]


def test_search_for_what_nobody_wrote_finds_nothing_whatever_the_history_says() -> None:
    asked = replace(query(["01"]), text="xyzzy")
    assert found(MODEL, asked) == []
    assert not MODEL.contributions(asked, ["01"]).any()


def test_a_product_told_of_now_is_found_at_once_and_others_stay_as_they_were() -> None:
    wider = MODEL.extended(told({"035": "Coffee beans, Robusta"}))
    assert "035" in similar(wider, "04")
    assert found(wider, replace(query([]), text="robusta")) == ["035"]
    assert [id_ for id_ in similar(wider, "04") if id_ != "035"] == similar(MODEL, "04")


def test_a_description_that_changed_is_taken_over_and_an_empty_one_is_not() -> None:
    moved = MODEL.extended(told({"06": "Coffee machine"}))
    assert "06" in similar(moved, "03")
    assert found(moved, replace(query([]), text="hose")) == []
    silent = MODEL.extended(Catalogue(UNTIL, np.array(["06"], object)))
    assert similar(silent, "06") == similar(MODEL, "06")
    assert found(silent, replace(query([]), text="hose")) == ["06"]


def test_extending_step_by_step_is_extending_at_once() -> None:
    new = {"035": "Coffee beans, Robusta", "07": "Robusta instant", "00": "Hose reel"}
    whole, steps = MODEL.extended(told(new)), MODEL
    for id_, title in new.items():
        steps = steps.extended(told({id_: title}))
    for name, array in whole.arrays().items():
        assert np.array_equal(array, steps.arrays()[name]), name


def test_the_score_is_the_cosine_of_tf_idf_over_the_likeness_to_everything() -> None:
    data = random_shop()
    model = Content(rarity=1.5, plainness=0.7).fit(data)
    words = Words.of(data.catalogue)
    names, codes, counts = np.unique(words.names, return_inverse=True, return_counts=True)
    described = len(np.unique(words.rows))
    weights = words.weights * np.log(1 + described / counts[codes]) ** 1.5
    dense = csr_array((weights, (words.rows, codes)), shape=(len(data.item_ids), len(names))).toarray()
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    expected = dense[0] @ dense.T / np.maximum(dense @ dense.sum(axis=0), 1) ** 0.7
    answer = model.similar([data.item_ids[0]], 24).row(0)
    places = np.searchsorted(data.item_ids, np.array([id_ for id_, _, _ in answer], object))
    assert [score for _, score, _ in answer] == pytest.approx(expected[places], rel=1e-5)
    assert (np.delete(expected, [0, *places]) == 0).all()


def test_contributions_are_exact_even_when_a_long_history_is_cut_to_its_strongest_words() -> None:
    data = random_shop()
    cut, whole = Content(most=25).fit(data), Content().fit(data)
    changed = 0
    for one in random_queries(data, 12):
        answer = cut.recommend([one], 24).row(0)
        changed += [id_ for id_, _, _ in answer] != found(whole, one, 24)
        added = cut.contributions(one, [*(id_ for id_, _, _ in answer), "never seen"])
        assert added.sum(axis=0) == pytest.approx([*(score for _, score, _ in answer), 0], rel=1e-4, abs=1e-7)
    assert changed


def test_a_query_costs_no_more_than_it_may() -> None:
    data = random_shop()
    model = Content(most=25).fit(data)
    profile = model.vectors.profile(np.arange(24), np.ones(24))
    counting = model.vectors.strongest(profile, model.recipe.most)
    assert 0 < np.diff(model.vectors.postings.indptr)[counting].sum() <= 25

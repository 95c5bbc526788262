"""The last basket is foreseen and never learned from; everything before it is."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import last_basket, tafeng
from benchmarks.next_basket import TASK, Bar, Baskets, baselines, claims, exam, personal_top, table, whole_basket
from models.recommenders.popularity import Popularity
from training.evaluate import evaluate

IDS = np.array(["a", "b", "c", "d"], object)


def baskets(last: tuple[int, ...] = (3, 2)) -> Baskets:
    """One customer with three baskets, one with two; the `last` items are those of the last baskets."""
    return Baskets(
        customers=np.array([1, 0, 0, 0, 1, 0, 0], np.int32),
        items=np.array([1, 0, 1, 0, last[1], 2, last[0]], np.int32),
        days=np.array([3.0, 1, 1, 4, 8, 4, 9]),
        item_ids=IDS,
        customer_ids=np.array(["x", "y"], object),
    )


def test_targets_are_the_last_baskets_and_queries_hold_what_was_before() -> None:
    prepared = exam(baskets(), np.array([0, 1], np.int32))
    assert [codes.tolist() for codes in prepared.holdout.targets] == [[3], [2]]
    first, second = prepared.holdout.queries
    assert (first.history_ids.tolist(), first.days.tolist(), first.day) == (["a", "b", "a", "c"], [1, 1, 4, 4], 9)
    assert (second.history_ids.tolist(), second.day) == (["b"], 8)
    assert [codes.tolist() for codes in prepared.holdout.seen] == [[0, 1, 2], [1]]
    assert len(np.unique(prepared.train.orders)) == 3


def test_nothing_of_the_last_baskets_moves_what_is_learned_from() -> None:
    asked = np.array([0, 1], np.int32)
    one, other = exam(baskets((3, 2)), asked), exam(baskets((0, 1)), asked)
    assert [codes.tolist() for codes in other.holdout.targets] != [codes.tolist() for codes in one.holdout.targets]
    for name in ("customers", "items", "days", "weights", "orders"):
        assert np.array_equal(getattr(one.train, name), getattr(other.train, name))
    assert one.train.until == other.train.until == one.holdout.split


def test_tuning_sees_the_basket_before_the_last_as_the_future() -> None:
    prepared = exam(baskets().without_last(), np.array([0], np.int32))
    assert prepared.holdout.targets[0].tolist() == [0, 2]
    assert prepared.holdout.queries[0].history_ids.tolist() == ["a", "b"]


def test_frequency_baselines_differ_in_what_they_do_with_ties_and_the_rest() -> None:
    prepared = exam(baskets(), np.array([0, 1], np.int32))
    entrants = {name: recipe.fit(prepared.train) for name, recipe in baselines(90.0).items()}
    entrants["P-TopFreq"] = personal_top(prepared, np.array([0, 1], np.int32))  # type: ignore[assignment]
    shown = {name: model.recommend(prepared.holdout.queries, 4).ids.tolist() for name, model in entrants.items()}
    assert shown["P-TopFreq"] == [["a", "b", "c", None], ["b", None, None, None]]
    assert shown["GP-TopFreq, ties by popularity"][1] == ["b", "a", "c", None]
    assert shown["recently bought"][0] == ["a", "c", "b", None]
    assert evaluate({}, entrants, prepared.holdout).outcomes


def test_ndcg_of_the_whole_basket_is_that_of_the_reality_check() -> None:
    size = 15
    many = Baskets(
        customers=np.array([0] + [0] * size + [1, 1], np.int32),
        items=np.array([0, *range(size), 3, 4], np.int32),
        days=np.array([1.0] + [2.0] * size + [1.0, 2.0]),
        item_ids=np.array([f"{code:02d}" for code in range(size)], object),
        customer_ids=np.array(["x", "y"], object),
    )
    prepared = exam(many, np.array([0, 1], np.int32))
    model = baselines(90.0)["GP-TopFreq, ties by popularity"].fit(prepared.train)
    judged = evaluate({}, {"one": model}, prepared.holdout)
    whole = whole_basket(judged, prepared.holdout)
    shown = model.recommend(prepared.holdout.queries, 10).ids
    for row, codes in enumerate(prepared.holdout.targets):
        bought = set(many.item_ids[codes])
        gained = sum(1 / np.log2(place + 2) for place, id_ in enumerate(shown[row]) if id_ in bought)
        ideal = sum(1 / np.log2(place + 2) for place in range(len(bought)))
        assert whole.of("one", TASK).values["ndcg@10"][row] == pytest.approx(gained / ideal)
    assert whole.of("one", TASK).values["ndcg@10"][0] < judged.of("one", TASK).values["ndcg@10"][0]
    assert np.array_equal(whole.of("one", TASK).values["recall@10"], judged.of("one", TASK).values["recall@10"])


def test_ta_feng_is_read_with_a_basket_a_week_and_the_future_as_the_last(tmp_path: Path) -> None:
    (tmp_path / "tafeng_history.json").write_text(json.dumps({"7": [[-1], [0, 1], [2], [-1]], "3": [[-1], [1], [-1]]}))
    (tmp_path / "tafeng_future.json").write_text(json.dumps({"7": [[-1], [3, 0], [-1]], "3": [[-1], [2, 2], [-1]]}))
    for number in tafeng.KEY_SETS:
        parts = {"train": [], "val": ["3", "7"], "test": ["7"] if number == 1 else []}
        (tmp_path / f"tafeng_keyset_{number}.json").write_text(json.dumps(parts))
    found = tafeng.read(tmp_path)
    assert found.customer_ids.tolist() == ["3", "7"]
    assert found.sizes().tolist() == [2, 3]
    assert tafeng.validation_customers(tmp_path, found).tolist() == [0]
    prepared = exam(found, np.array([0, 1], np.int32))
    assert [codes.tolist() for codes in prepared.holdout.targets] == [[2], [0, 3]]
    assert prepared.holdout.queries[1].day - prepared.holdout.queries[1].days.max() == tafeng.STEP
    assert {query.day for query in prepared.holdout.queries} == {prepared.train.until}


def test_complete_journey_keeps_the_lines_that_the_published_figures_count(tmp_path: Path) -> None:
    product = pd.DataFrame(
        {
            "product_id": [1, 2, 3],
            "department": "GROCERY",
            "product_category": ["TEA", "COUPON/MISC ITEMS", "CAKE"],
            "product_type": ["GREEN", "COUPON", "PLUM"],
            "brand": "National",
        }
    )
    product.to_parquet(tmp_path / "products.parquet")
    days = pd.Timestamp("2017-01-01 12:00") + pd.to_timedelta(np.arange(12), unit="D")
    lines = [(9, 1, 1, day) for day in days] + [(9, 2, 1, day) for day in days] + [(9, 3, 1, days[0])]
    lines += [(8, 1, 1, day) for day in days[:3]] + [(9, 1, 1, days[0]), (9, 1, 0, days[-1] + pd.Timedelta(days=3))]
    columns = ["household_id", "product_id", "quantity", "transaction_timestamp"]
    pd.DataFrame(lines, columns=columns).to_parquet(tmp_path / "transactions.parquet")
    found = last_basket.read(tmp_path)
    assert found.item_ids.tolist() == ["1"], "coupons, and a cake sold once, are no goods to foresee"
    assert found.customer_ids.tolist() == ["9"], "three baskets are too few"
    assert found.sizes().tolist() == [12], "a line without quantity is no basket, twice a day is once"
    assert found.catalogue.text("category", found.item_ids).tolist() == ["GROCERY/TEA/GREEN"]


def test_a_row_is_of_ours_beside_all_others() -> None:
    prepared = exam(baskets(), np.array([0, 1], np.int32))
    entrants = {name: recipe.fit(prepared.train) for name, recipe in baselines(60.0).items()}
    evaluation = evaluate(entrants, {}, prepared.holdout)
    best, *others = sorted(entrants, key=lambda name: -evaluation.of(name, TASK).mean("recall@10"))
    reached = evaluation.of(best, TASK).mean("recall@10")
    bar = Bar(must={"recall@10": reached, "ndcg@10": 2.0}, goal={"recall@10": 1.0, "ndcg@10": 1.0})
    recall, ndcg = claims(evaluation, bar, "data", "protocol", 1.0, ours=best)
    assert (recall.ours, recall.met, ndcg.met) == (pytest.approx(reached), True, False)
    assert set(recall.baselines) == set(others)
    rows = {
        line.split(" | ")[0].strip("| "): line for line in table(evaluation, list(entrants), {}, ours=best).split("\n")
    }
    assert ["(" in rows[name] for name in (best, *others)] == [False] + [True] * len(others)


def test_what_no_seed_changes_is_fitted_once_for_each_past() -> None:
    train = exam(baskets(), np.array([0, 1], np.int32)).train
    once = last_basket.Once(Popularity(), last_basket.KnownFits())
    whole, before = once.fit(train), once.fit(train.before(train.until - 1))
    assert once.fit(train) is whole
    assert once.fit(train.before(train.until - 1)) is before
    for fitted, data in ((whole, train), (before, train.before(train.until - 1))):
        its, plain = fitted.arrays(), Popularity().fit(data).arrays()
        assert {name: array.tolist() for name, array in its.items()} == {
            name: array.tolist() for name, array in plain.items()
        }

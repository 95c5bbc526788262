"""What a model learns from and is judged by comes from the history through the code that serves it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY, customer_features
from features.log import Record
from features.not_yet import NotYet
from models.catalogue import Catalogue
from models.recommenders.base import days
from tests.features.shop import bought, day, happened, history_of
from tests.training.shop import FOLD, exam_of, records
from training.dataset import digest, exam, to_queries
from training.splits import Fold


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("history"), records())


def test_queries_hold_each_customers_own_history(history: Path) -> None:
    rows = customer_features(history, NOBODY, FOLD.split)
    queries = to_queries(rows, 20_500.0)
    assert len(queries) == len(rows)
    for query, row in zip(queries, rows.to_pylist(), strict=True):
        assert query.day == 20_500.0
        assert query.history_ids.tolist() == row["history_ids"]
        assert query.days.tolist() == row["history_days"]
        assert query.weights.tolist() == row["history_weights"]


def test_queries_of_a_slice_of_customers_are_those_customers_own(history: Path) -> None:
    rows = customer_features(history, NOBODY, FOLD.split)
    part = to_queries(rows.slice(5, 3), 0.0)
    assert [query.history_ids.tolist() for query in part] == rows["history_ids"].to_pylist()[5:8]


def test_the_holdout_by_hand(tmp_path: Path) -> None:
    written = [
        bought("ann", 1, "o1", "tea", "milk"),
        bought("bob", 2, "o2", "milk"),
        happened("product_viewed", "eve", 3, "tea"),
        bought("tom", 4, "o4", "tea"),
        bought("ann", 11, "o5", "tea", "bread"),
        bought("ann", 12, "o6", "tea"),
        happened("product_viewed", "bob", 13, "tea"),
        bought("eve", 14, "o7", "milk"),
        bought("new", 15, "o8", "milk"),
        bought("tom", 16, "o9", "tea"),
        happened("order_cancelled", "tom", 17, order="o9"),
        bought("bob", 21, "late", "tea"),
    ]
    found = exam(history_of(tmp_path, written), NOBODY, Fold(day(10), day(20))).holdout
    # bread was never seen before, bob only looked, new has no history, tom's order was cancelled
    assert found.customer_ids.tolist() == ["ann", "eve"]
    assert found.item_ids.tolist() == ["milk", "tea"]
    assert [codes.tolist() for codes in found.targets] == [[1], [0]]
    assert [codes.tolist() for codes in found.seen] == [[0, 1], [1]]
    assert found.popularity.tolist() == [2, 3]
    assert found.orders is not None
    assert found.orders.tolist() == [1, 0]


def test_an_exam_that_asks_nothing_is_refused_with_the_way_out(tmp_path: Path) -> None:
    only_before = history_of(tmp_path, [bought("ann", 1, "o1", "tea")])
    with pytest.raises(ValueError, match="import a longer history"):
        exam(only_before, NOBODY, Fold(day(10), day(20)))
    with pytest.raises(ValueError, match="import a longer history"):
        exam(only_before, NOBODY, Fold(day(0.5), day(20)))


def test_a_new_shop_has_too_little_yet_and_one_whose_orders_broke_has_a_fault(tmp_path: Path) -> None:
    def refused(name: str, *written: Record) -> Exception:
        with pytest.raises(ValueError, match="nobody with a history") as told:
            exam(history_of(tmp_path / name, written), NOBODY, Fold(day(20), day(30)))
        return told.value

    views = [happened("product_viewed", "ann", at, "tea") for at in (2, 12, 22, 28)]
    broke = refused("broke", bought("ann", 1, "o1", "tea"), *views)
    assert not isinstance(broke, NotYet)
    assert "orders still come in" in str(broke)
    assert isinstance(refused("short", bought("ann", 12, "o1", "tea"), *views[2:]), NotYet)
    assert isinstance(refused("never sold", *views), NotYet)
    assert isinstance(refused("new", bought("ann", 25, "o1", "tea")), NotYet)


def test_the_digest_tells_any_change(tmp_path: Path) -> None:
    data = exam_of(tmp_path, records()).train
    changed = data.days.copy()
    changed[7] -= 1e-6
    others = [
        replace(data, days=changed),
        replace(data, until=data.until + 1),
        replace(data, item_ids=np.array([f"{id_}x" for id_ in data.item_ids], object)),
        replace(data, orders=None),
        replace(data, catalogue=Catalogue(0.0, data.item_ids, numbers={"price": np.ones(len(data.item_ids))})),
        replace(data, catalogue=Catalogue(0.0, data.item_ids, texts={"brand": data.item_ids})),
        replace(data, past=(Catalogue(0.0, data.item_ids, texts={"title": data.item_ids}),)),
    ]
    assert len({digest(data), *(digest(other) for other in others)}) == 8
    assert digest(replace(data)) == digest(data)


def test_of_the_latest_days_alone_is_learned_and_the_same_is_asked(history: Path) -> None:
    whole, short = exam(history, NOBODY, FOLD), exam(history, NOBODY, FOLD, learned_days=20)
    kept = whole.train.days >= days(FOLD.split) - 20
    assert 0 < kept.sum() < len(kept)
    for name in ("customers", "items", "days", "weights", "orders"):
        assert getattr(short.train, name).tolist() == getattr(whole.train, name)[kept].tolist()
    assert short.train.item_ids.tolist() == whole.train.item_ids.tolist()
    assert short.holdout.item_ids.tolist() == whole.holdout.item_ids.tolist()
    assert short.holdout.customer_ids.tolist() == whole.holdout.customer_ids.tolist()
    assert short.holdout.popularity.tolist() == whole.holdout.popularity.tolist()
    for one, other in zip(short.holdout.queries, whole.holdout.queries, strict=True):
        assert one.history_ids.tolist() == other.history_ids.tolist()


def test_nothing_in_the_latest_days_is_said(tmp_path: Path) -> None:
    written = [bought("ann", 1, "o1", "tea"), bought("ann", 11, "o2", "tea")]
    with pytest.raises(ValueError, match="take more"):
        exam(history_of(tmp_path, written), NOBODY, Fold(day(10), day(20)), learned_days=5)

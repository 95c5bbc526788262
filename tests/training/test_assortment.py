"""What models hear about products was true at the moment that it is told of, and comes through Feast's join."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.catalog import Product
from features.compute import NOBODY, product_features
from features.definitions import PRODUCT_FEATURES
from features.snapshots import keep_products
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, days
from tests.features.shop import bought, day, happened, history_of
from tests.training.shop import FOLD, records, the_past
from training.assortment import Assortment
from training.dataset import exam, with_catalogues
from training.reading import read

FEATURES = [field.name for field in PRODUCT_FEATURES]
PRODUCTS = (
    Product(product_id="p01", title="Green tea", category="Tea", price=Decimal("9.99")),
    Product(product_id="p02", title="Black tea", in_stock=False, attributes={"origin": "Assam"}),
    Product(product_id="never", title="Never sold"),
)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("history"), records())


def test_moments_end_at_the_end_and_step_back() -> None:
    found = Assortment(Path("unused"), past=3, step=timedelta(days=7)).moments(day(60))
    assert found == (day(39), day(46), day(53), day(60))
    assert Assortment(Path("unused"), past=0).moments(day(60)) == (day(60),)


def test_every_number_is_what_the_features_said_at_that_moment(history: Path, tmp_path: Path) -> None:
    known = Assortment(tmp_path, PRODUCTS, past=2, step=timedelta(days=14))
    train = exam(history, NOBODY, FOLD, known).train
    catalogues = (*train.past, train.catalogue)
    assert [catalogue.day for catalogue in catalogues] == [days(moment) for moment in known.moments(FOLD.split)]
    for moment, catalogue in zip(known.moments(FOLD.split), catalogues, strict=True):
        truth = {row["product_id"]: row for row in product_features(history, NOBODY, moment).to_pylist()}
        assert truth
        assert catalogue.item_ids is train.item_ids
        for name in FEATURES:
            expected = [truth.get(id_, {}).get(name) for id_ in train.item_ids]
            np.testing.assert_array_equal(catalogue.numbers[name], np.array(expected, np.float64), name)


def test_the_catalogue_speaks_where_it_may(history: Path, tmp_path: Path) -> None:
    train = exam(history, NOBODY, FOLD, Assortment(tmp_path, PRODUCTS, past=1)).train
    ids = np.array(["p01", "p02", "p03"], object)
    assert train.catalogue.text("title", ids).tolist() == ["Green tea", "Black tea", None]
    assert train.catalogue.text("origin", ids).tolist() == [None, "Assam", None]
    assert np.isnan(train.catalogue.number("in_stock", ids)).all(), "what is in stock today says nothing about then"
    assert "never" not in train.item_ids


def test_the_price_is_the_last_one_named_by_then_and_the_catalogues_without_one(tmp_path: Path) -> None:
    written = [
        bought("ann", 1, "o1", ("tea", 1, "2.00"), "milk"),
        bought("ann", 30, "o2", ("tea", 1, "3.00")),
        bought("ann", 50, "o3", ("tea", 1, "4.00"), "milk"),
    ]
    told = [Product(product_id="tea", price=Decimal("7.00")), Product(product_id="milk", price=Decimal("1.00"))]
    known = Assortment(tmp_path / "features", told, past=1, step=timedelta(days=20))
    found = exam(history_of(tmp_path / "history", written), NOBODY, replace(FOLD, split=day(40)), known).train
    assert found.item_ids.tolist() == ["milk", "tea"]
    assert [catalogue.numbers["price"].tolist() for catalogue in (*found.past, found.catalogue)] == [[1, 2], [1, 3]]


def test_a_product_is_unknown_before_anybody_saw_it_or_the_shop_added_it(tmp_path: Path) -> None:
    written = [
        happened("product_viewed", "ann", 1, "old"),
        bought("ann", 35, "o1", "new", "announced"),
        bought("ann", 45, "o2", "old"),
    ]
    told = [Product(product_id=id_, price=Decimal(1)) for id_ in ("announced", "new", "old")]
    added = {"announced": day(10), "new": day(39), "old": day(39)}
    known = Assortment(tmp_path / "features", told, added, past=1, step=timedelta(days=20))
    train = exam(history_of(tmp_path / "history", written), NOBODY, replace(FOLD, split=day(40)), known).train
    assert train.item_ids.tolist() == ["announced", "new", "old"]
    (then,), now = train.past, train.catalogue
    assert (then.numbers["since"] - days(day(0))).tolist() == pytest.approx([10, np.nan, 1], nan_ok=True)
    assert (now.numbers["since"] - days(day(0))).tolist() == pytest.approx([10, 35, 1])
    assert then.numbers["price"].tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)


def test_nothing_of_the_future_gets_in(tmp_path: Path) -> None:
    written = records()
    splurge = [bought(f"c{code:02d}", 60, f"all{code}", ("p01", 9, "99.00")) for code in range(20)]
    honest, tampered = (
        exam(
            history_of(tmp_path / name / "history", events),
            NOBODY,
            FOLD,
            Assortment(tmp_path / name / "features", PRODUCTS, past=2),
        ).train
        for name, events in {"honest": written, "tampered": [*the_past(written), *splurge]}.items()
    )
    assert_same(honest, tampered)


def test_a_table_of_a_later_moment_in_the_folder_is_not_joined(history: Path, tmp_path: Path) -> None:
    known = Assortment(tmp_path, PRODUCTS, past=2)
    before = exam(history, NOBODY, FOLD, known).train
    keep_products(history, NOBODY, tmp_path, [FOLD.until, FOLD.split + timedelta(microseconds=1)])
    assert len(list((tmp_path / "product").iterdir())) == 5
    assert_same(before, exam(history, NOBODY, FOLD, known).train)


def test_a_table_made_after_the_moment_it_speaks_of_is_passed_over(history: Path, tmp_path: Path) -> None:
    (path,) = keep_products(history, NOBODY, tmp_path, [FOLD.split])
    table = pq.read_table(path)
    late = table.set_column(
        table.column_names.index("created"),
        table.schema.field("created"),
        [[FOLD.split + timedelta(microseconds=1)] * len(table)],
    )
    pq.write_table(late.replace_schema_metadata(table.schema.metadata), path, coerce_timestamps="us")
    found = exam(history, NOBODY, FOLD, Assortment(tmp_path, past=0)).train.catalogue
    assert np.isnan(found.numbers["buyers_30d"]).all()


def test_the_final_fit_hears_what_was_true_at_its_end(history: Path, tmp_path: Path) -> None:
    data = read(history, NOBODY, FOLD.until).data
    found = with_catalogues(data, history, NOBODY, Assortment(tmp_path, past=1), FOLD.until)
    assert (found.catalogue.day, found.until) == (days(FOLD.until), days(FOLD.until))
    assert found.past[0].day == days(FOLD.until - timedelta(weeks=4))
    earlier = found.before(days(FOLD.until) - 7)
    assert earlier.catalogue is found.past[0]
    truth = product_features(history, NOBODY, FOLD.until)
    assert found.catalogue.number("orders_30d", _ids(truth)).tolist() == truth["orders_30d"].to_pylist()


def _ids(table: object) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    return np.array(table["product_id"].to_pylist(), object)  # type: ignore[index]


def assert_same(one: Interactions, other: Interactions) -> None:
    """Both were told the same about the same products."""
    assert one.item_ids.tolist() == other.item_ids.tolist()
    pairs: list[tuple[Catalogue, Catalogue]] = list(
        zip((*one.past, one.catalogue), (*other.past, other.catalogue), strict=True)
    )
    assert pairs
    for mine, its in pairs:
        assert mine.day == its.day
        assert mine.numbers.keys() == its.numbers.keys()
        for name, column in mine.numbers.items():
            np.testing.assert_array_equal(column, its.numbers[name], name)
        for name, text in mine.texts.items():
            assert text.tolist() == its.texts[name].tolist()


def test_the_end_of_the_features_is_a_datetime_with_an_offset(history: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no offset"):
        keep_products(history, NOBODY, tmp_path, [datetime(2026, 1, 5)])  # noqa: DTZ001

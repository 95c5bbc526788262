"""What is learned from is what the table of interactions says, in however many shards the history is read."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import NOBODY, interactions, visible
from features.in_shards import in_shards
from features.log import Record
from features.purchases import last_day
from features.results import FOLDER as UNFINISHED
from features.results import forget
from models.recommenders.base import days
from tests.features.shop import bought, day, happened, history_of, merged
from tests.training.shop import FOLD, records
from training.reading import Learned, read
from training.replenishment.lines import lines_of, to_lines


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history_of(tmp_path_factory.mktemp("history"), records())


def says_what_the_table_says(found: Learned, table: pa.Table) -> None:
    data = found.data
    assert data.item_ids[data.items].tolist() == table["product_id"].to_pylist()
    assert data.days.tolist() == table["day"].to_pylist()
    assert data.weights.tolist() == table["weight"].to_pylist()
    assert found.customer_ids.tolist() == sorted(set(table["customer_id"].to_pylist()))
    assert found.customer_ids[data.customers].tolist() == table["customer_id"].to_pylist()
    assert data.customer_count == len(found.customer_ids)
    assert data.orders is not None
    kinds, orders = table["type"].to_pylist(), table["order_id"].to_pylist()
    told = [order if kind == "order_completed" else None for kind, order in zip(kinds, orders, strict=True)]
    pairs = set(zip(told, data.orders.tolist(), strict=True))
    assert {code for order, code in pairs if order is None} <= {-1}
    codes = [code for order, code in sorted((order, code) for order, code in pairs if order is not None)]
    assert codes == list(range(len(codes)))


@pytest.mark.parametrize("count", [None, 1, 2])
def test_interactions_say_what_the_table_says(history: Path, tmp_path: Path, count: int | None) -> None:
    found = read(history, NOBODY, FOLD.split, work=tmp_path / "work", count=count)
    says_what_the_table_says(found, interactions(history, NOBODY, FOLD.split))
    assert found.data.until == days(FOLD.split)
    assert len(found.data.items) > 500
    assert list((tmp_path / "work").iterdir()) == []


def test_a_window_says_what_its_table_says(history: Path) -> None:
    found = read(history, NOBODY, FOLD.until, since=FOLD.split, count=2)
    says_what_the_table_says(found, interactions(history, NOBODY, FOLD.until, since=FOLD.split))


_CUSTOMERS, _PRODUCTS, _ORDERS = ("ann", "bob", "Ärzte", "đ"), ("tea", "milk", "Zucker"), ("o1", "o2", "o3")
_KINDS = ("product_viewed", "product_added", "order_cancelled", "order_refunded")


@st.composite
def _told(draw: st.DrawFn) -> list[Record]:
    """Few ids and moments, so that orders are told twice, by several, returned, and at the same time."""
    told = []
    for _ in range(draw(st.integers(0, 12))):
        customer, at = draw(st.sampled_from(_CUSTOMERS)), float(draw(st.integers(1, 4)))
        order, product = draw(st.sampled_from(_ORDERS)), draw(st.sampled_from(_PRODUCTS))
        if draw(st.booleans()):
            told.append(bought(customer, at, order, product, *draw(st.sets(st.sampled_from(_PRODUCTS), max_size=2))))
        else:
            kind = draw(st.sampled_from(_KINDS))
            told.append(happened(kind, customer, at, product, order=order if kind.startswith("order") else None))
    return told


@settings(max_examples=15, deadline=None)
@given(_told(), st.booleans())
def test_shards_change_nothing(told: list[Record], one_person: bool) -> None:
    who = merged(("user", "ann", "bob"), ("user", "bob", "bob")) if one_person else NOBODY
    with TemporaryDirectory() as folder:
        history = history_of(Path(folder), told, 4)
        if not told:
            return
        table = interactions(history, who, day(5))
        for count in (1, 4):
            says_what_the_table_says(read(history, who, day(5), count=count), table)
        with visible(history, who, day(5)) as seen:
            whole, ids = to_lines(seen.purchases(), last_day(day(5)))
        for count in (1, 4):
            lines, customer_ids = lines_of(history, who, day(5), count=count)
            assert customer_ids.tolist() == ids.tolist()
            assert lines.product_ids.tolist() == whole.product_ids.tolist()
            for column in ("customers", "products", "days", "packs", "prices"):
                np.testing.assert_array_equal(getattr(lines, column), getattr(whole, column))


def test_an_erasure_meanwhile_is_told(history: Path, tmp_path: Path) -> None:
    root = tmp_path / UNFINISHED
    shards = in_shards(history, NOBODY, FOLD.split, work=root / "lines", count=2)
    next(shards)
    forget(tmp_path)
    with pytest.raises(RuntimeError, match="run this again"):
        next(shards)
    assert list((root / "lines").iterdir()) == []

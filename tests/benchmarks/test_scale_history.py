"""The made history is what compaction would have written, its skew is the one that it claims, and a seed repeats it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import inspect

from benchmarks.scale_history import AS_OF, Made, write_history
from benchmarks.scale_log import fill
from benchmarks.scale_shop import ADDED, CANCELLED, ORDERED, REFUNDED, SERVER, TYPES, VIEWED, WEEKS, Rows, Shop
from features.compute import visible
from features.database import open_database
from features.history import FILES, compact
from features.identity import Identities
from features.log import EVENTS, Log

EVENTS_ASKED = 8_000
BUCKETS, SHORT = 2, 9
"""Weeks, as every day of each bucket is a file."""


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(EVENTS_ASKED, seed=5)


@pytest.fixture(scope="module")
def made(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    folder = tmp_path_factory.mktemp("made")
    return write_history(shop, folder, BUCKETS, SHORT), folder


def rows_of(history: Path) -> pa.Table:
    parts = [
        pq.read_table(path, partitioning=None).append_column("where", pa.array([str(path.parent)[-24:]] * rows))
        for path in history.glob(FILES)
        if (rows := pq.read_metadata(path).num_rows)
    ]
    table = pa.concat_tables(parts)
    return table.sort_by([("position", "ascending"), ("line", "ascending")])


def test_compaction_of_its_log_gives_the_same_rows_in_the_same_places(made: tuple[Made, Path], tmp_path: Path) -> None:
    counts, folder = made
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    assert fill(engine, folder / "history") == counts.events
    log = Log(engine, EVENTS)
    assert len(inspect(engine).get_indexes("event")) == len(EVENTS.indexes)
    compacted = compact(log, tmp_path / "history", BUCKETS)
    assert (compacted.position, compacted.rows) == (counts.events, counts.lines)
    assert rows_of(tmp_path / "history").equals(rows_of(folder / "history"))
    identities = Identities(engine)
    identities.catch_up(log)
    assert identities.table().equals(pq.read_table(folder / "identities.parquet"))
    engine.dispose()


def test_features_know_its_persons_under_one_id(shop: Shop, made: tuple[Made, Path]) -> None:
    _, folder = made
    with visible(folder / "history", pq.read_table(folder / "identities.parquet"), AS_OF) as seen:
        customers = seen.customers()["customer_id"].to_pylist()
    rows = Rows.concat([shop.week(week) for week in range(SHORT)])
    touched = np.unique(rows.customer[(rows.product >= 0)])
    logged_in = np.unique(rows.customer[rows.named > 0])
    assert sum(not id_.startswith("anonymous:") for id_ in customers) == len(np.intersect1d(touched, logged_in))


@pytest.mark.parametrize("asked", [20_000, 300_000])
def test_a_year_has_about_as_many_events_as_asked_for(asked: int) -> None:
    shop = Shop(asked)
    events = sum(len(np.unique(shop.week(week).event)) for week in range(WEEKS))
    assert abs(events / asked - 1) < 0.05


def test_skew_of_customers_products_and_types() -> None:
    shop = Shop(200_000, seed=1)
    rows = Rows.concat([shop.week(week) for week in range(WEEKS)])
    _, first = np.unique(rows.event, return_index=True)
    shares = np.bincount(rows.type[first], minlength=len(TYPES)) / len(first)
    assert shares[VIEWED] > 0.65
    assert shares[VIEWED] > shares[ADDED] > shares[ORDERED] > 0.03
    of_customer = np.sort(np.bincount(rows.customer, minlength=shop.customers))[::-1]
    assert of_customer[: shop.customers // 10].sum() > 0.4 * of_customer.sum()
    of_product = np.sort(np.bincount(rows.product[rows.product >= 0], minlength=shop.products))[::-1]
    assert of_product[: shop.products // 10].sum() > 0.6 * of_product.sum()
    late = rows.received - rows.occurred > 1_000_000
    assert 0.005 < late.mean() < 0.02


def test_somebody_buys_in_a_rhythm() -> None:
    shop = Shop(200_000, seed=1)
    rows = Rows.concat([shop.week(week) for week in range(WEEKS)])
    bought = rows.take((rows.type == ORDERED) & (rows.named != 2))
    pairs, count = np.unique(bought.customer.astype(np.int64) * shop.products + bought.product, return_counts=True)
    assert (count >= 5).sum() > shop.customers / 20
    of_pair = np.searchsorted(pairs, bought.customer.astype(np.int64) * shop.products + bought.product)
    often = np.flatnonzero(count >= 8)
    spread = []
    for pair in often[:50]:
        gaps = np.diff(np.sort(bought.occurred[of_pair == pair])) / 86_400e6
        spread.append(np.std(gaps) / np.mean(gaps))
    assert np.median(spread) < 0.7


def test_a_seed_repeats_and_another_does_not() -> None:
    first, again, other = (Shop(EVENTS_ASKED, seed).week(3) for seed in (1, 1, 2))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in vars(first))
    assert len(first) != len(other) or not np.array_equal(first.product, other.product)


def test_orders_that_are_told_twice_are_counted_once(shop: Shop, made: tuple[Made, Path]) -> None:
    _, folder = made
    rows = Rows.concat([shop.week(week) for week in range(SHORT)])
    assert (rows.named == SERVER).any()
    browser = rows.take((rows.type == ORDERED) & (rows.named != SERVER))
    cancelled = np.isin(browser.order, rows.order[rows.type == CANCELLED])
    lines = browser.order * shop.products + browser.product
    refunds = rows.take(rows.type == REFUNDED)
    refunded = np.isin(lines, refunds.order * shop.products + refunds.product)
    with visible(folder / "history", pq.read_table(folder / "identities.parquet"), AS_OF) as seen:
        assert len(seen.purchases()) == (~cancelled & ~refunded).sum()

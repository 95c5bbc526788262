"""Features have the values that a person works out by hand, and that a plain loop finds on random shops."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import (
    HISTORY_LIMIT,
    NOBODY,
    customer_features,
    interactions,
    product_features,
    products_of_moments,
    visible,
)
from features.history import FILES, compact
from features.log import Record
from tests.features.shop import bought, day, happened, history_of, log_of, merged

Row = dict[str, Any]


def customers(history: Path, at: float, identities: Any = NOBODY) -> dict[str, Row]:
    """The features of each customer on day `at`."""
    return {row["customer_id"]: row for row in customer_features(history, identities, day(at)).to_pylist()}


def products(history: Path, at: float, identities: Any = NOBODY) -> dict[str, Row]:
    """The features of each product on day `at`."""
    return {row["product_id"]: row for row in product_features(history, identities, day(at)).to_pylist()}


def test_a_customer_by_hand(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            bought("u1", 10, "o1", ("milk", 2, "1.50"), ("bread", 1, "3.00")),
            bought("u1", 30, "o2", ("milk", 1, "2.00")),
            happened("product_viewed", "u1", 33.25, "tea"),
            bought("u1", 36, "o3", ("milk", 1, "2.50"), ("milk", 1, "2.50")),
        ],
    )
    row = customers(history, 40)["u1"]
    assert (row["event_timestamp"], row["created"]) == (day(40), day(40))
    assert (row["recency_days"], row["frequency"], row["monetary"]) == (4.0, 3, 13.0)
    assert [row[f"orders_{days}d"] for days in (7, 30, 90, 365)] == [1, 3, 3, 3]
    assert [row[f"spend_{days}d"] for days in (7, 30, 90, 365)] == [5.0, 13.0, 13.0, 13.0]
    assert row["order_interval_mean_days"] == 13.0
    assert row["order_interval_std_days"] == pytest.approx(np.std([20, 6], ddof=1), abs=1e-9)
    assert row["basket_size_mean"] == pytest.approx((2 + 1 + 1) / 3)
    assert row["return_share"] == 0.0
    assert row["price_mean"] == pytest.approx((1.5 + 3 + 2 + 2.5 + 2.5) / 5)
    assert row["active_hour_of_week"] == 30, "each hour once: Tuesday 06:00 of day 33 is the earliest in the week"
    assert row["history_ids"] == ["milk", "bread", "milk", "tea", "milk", "milk"]
    first = (day(0) - datetime(1970, 1, 1, tzinfo=day(0).tzinfo)).days
    assert row["history_days"] == [first + at for at in (10, 10, 30, 33.25, 36, 36)]
    assert row["history_weights"] == [1.0, 1.0, 1.0, 0.1, 1.0, 1.0]
    assert row["log_position"] == 4
    assert customers(history, 34)["u1"]["history_ids"] == ["milk", "bread", "milk", "tea"]


def test_a_customer_who_never_bought(tmp_path: Path) -> None:
    row = customers(history_of(tmp_path, [happened("product_viewed", "?a", 1, "tea")]), 2)["anonymous:a"]
    assert [row[name] for name in ("frequency", "monetary", "orders_7d", "spend_365d")] == [0, 0.0, 0, 0.0]
    unknown = ("recency_days", "order_interval_mean_days", "order_interval_std_days", "basket_size_mean")
    assert [row[name] for name in (*unknown, "return_share", "price_mean")] == [None] * 6
    assert row["history_ids"] == ["tea"]


def test_an_event_of_a_type_that_is_not_known_tells_who_touched_what_and_no_more(tmp_path: Path) -> None:
    history = history_of(tmp_path, [happened("product_viewed", "u1", 1, "tea"), happened("sniffed", "u2", 2, "jam")])
    row = customers(history, 3)["u2"]
    assert (row["history_ids"], row["frequency"], row["active_hour_of_week"]) == ([], 0, None)
    assert products(history, 3)["jam"]["first_seen_days"] == 1.0


def test_of_two_prices_of_one_moment_the_later_message_counts_and_in_it_the_later_line(tmp_path: Path) -> None:
    told = [("tea", 1, "3.00"), ("tea", 1, "2.50")]
    events = [happened("product_viewed", "u1", 1, ("tea", 1, "9.00")), bought("u1", 2, "o1", *told)]
    events += [happened("product_added", "u2", 2, ("tea", 1, "4.00"), ("tea", 1, "2.75"))]
    events += [happened("product_removed", "u2", 3, ("tea", 1, "1.00"))]
    history = history_of(tmp_path, events)
    assert products(history, 4)["tea"]["price_last"] == 2.75


def test_an_hour_of_the_week_counts_from_monday(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            happened("product_viewed", "u1", 4.5, "a", "b", "c"),
            happened("page_viewed", "u1", 5.5),
            happened("page_viewed", "u1", 12.52),
            *(happened("message_sent", "u1", 6.25) for _ in range(5)),
            happened("product_viewed", "u2", 3.99, "a"),
            happened("page_viewed", "u2", 4.01),
            happened("page_viewed", "u3", 4.01),
        ],
    )
    rows = customers(history, 20)
    assert rows["u1"]["active_hour_of_week"] == 24 + 12, "Tuesday noon twice; lines are one event, mails sent none"
    assert rows["u2"]["active_hour_of_week"] == 0, "a tie goes to the earlier hour"
    assert "u3" not in rows, "who touched no product has no features"


def test_a_visit_is_an_hour_in_which_somebody_did_something(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            happened("product_viewed", "u1", 4.5, "a", "b"),
            happened("page_viewed", "u1", 4.51),
            happened("page_viewed", "u1", 5.5),
            happened("message_sent", "u1", 6.25),
            happened("page_viewed", "?a", 7.0),
            happened("page_viewed", "u1", 9.0),
        ],
    )
    with visible(history, merged(("anonymous", "a", "u1")), day(8)) as seen:
        found = seen.visits().to_pylist()
    assert [(row["customer_id"], row["us"] / 1e6) for row in found] == [
        ("u1", day(at).timestamp()) for at in (4.51, 5.5, 7.0)
    ]


def test_a_product_by_hand(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            happened("product_viewed", "?a", 2, ("milk", 1, "9.00")),
            bought("u1", 10, "o1", ("milk", 2, "1.00"), ("milk", 1, "1.00")),
            bought("u1", 35, "o2", ("milk", 1, "3.00")),
            happened("product_viewed", "u2", 36, "milk"),
            happened("product_added", "u2", 36.5, "milk"),
            bought("u2", 37, "o3", ("milk", 1, "4.00"), "tea"),
            bought("u1", 38, "o4", ("milk", 1, "5.00")),
            happened("order_refunded", "u1", 39, ("milk", 1, "77"), order="o4"),
        ],
    )
    row = products(history, 40)["milk"]
    assert [row[name] for name in ("buyers_30d", "orders_7d", "orders_30d", "orders_365d")] == [2, 2, 3, 3]
    wanted = [(38, 0.1), (30, 1), (30, 1), (5, 1), (4, 0.1), (3.5, 0.3), (3, 1)]
    for half_life in (7, 30, 120):
        expected = sum(weight * 2 ** (-age / half_life) for age, weight in wanted)
        assert row[f"popularity_{half_life}d"] == pytest.approx(expected, abs=1e-12)
    assert row["trend"] == pytest.approx(np.log((2.4 + 1) / (4.4 * 7 / 30 + 1)), abs=1e-12)
    assert (row["view_to_add"], row["view_to_order"]) == (0.5, 1.5)
    assert row["price_last"] == 5.0, "the order of day 38 named it; a refund does not"
    assert row["price_mean"] == pytest.approx((1 + 1 + 3 + 4) / 4)
    assert row["first_seen_days"] == 38.0
    assert row["return_share"] == 0.2
    assert (row["repeat_share"], row["repeat_interval_days"]) == (0.5, 25.0)
    tea = products(history, 40)["tea"]
    assert [tea[name] for name in ("view_to_add", "price_last", "repeat_interval_days")] == [None] * 3
    assert tea["repeat_share"] == 0.0


def test_cancelled_and_refunded_orders_are_no_purchases(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            bought("u1", 1, "kept", ("a", 1, "1.00")),
            bought("u1", 2, "cancelled", ("b", 1, "2.00")),
            bought("u1", 3, "refunded", ("c", 1, "4.00")),
            bought("u1", 4, "partly", ("d", 1, "8.00"), ("e", 1, "16.00")),
            happened("order_cancelled", "u1", 5, order="cancelled"),
            happened("order_refunded", "u1", 5, order="refunded"),
            happened("order_refunded", "u1", 5, "e", order="partly"),
            happened("order_updated", "u1", 5, "a", order="kept"),
        ],
    )
    row = customers(history, 6)["u1"]
    assert (row["frequency"], row["monetary"], row["return_share"]) == (2, 9.0, 0.6)
    assert row["history_ids"] == ["a", "d"]
    assert interactions(history, NOBODY, day(6))["product_id"].to_pylist() == ["a", "d"]
    assert products(history, 6)["b"]["orders_30d"] == 0
    assert customers(history, 5)["u1"]["frequency"] == 4, "before the news arrived, all were purchases"
    only = history_of(tmp_path / "only", [bought("u2", 1, "o", "a"), happened("order_cancelled", "u2", 2, order="o")])
    assert customers(only, 3)["u2"]["history_ids"] == [], "the row stays, or the old one would be served for ever"


def test_an_order_reported_twice_counts_once(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            bought("u1", 1.01, "o1", ("a", 1, "1.00"), ("b", 1, "1.00")),
            bought("u1", 1, "o1", ("a", 1, "1.00"), ("a", 1, "1.00")),
        ],
    )
    row = customers(history, 2)["u1"]
    assert (row["frequency"], row["monetary"], row["history_ids"]) == (1, 3.0, ["a", "a", "b"])
    assert customers(history, 1.005)["u1"]["history_ids"] == ["a", "a"]


def test_merged_ids_are_one_customer(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            happened("product_viewed", "?a", 1, "tea"),
            bought("old", 2, "o1", "milk"),
            bought("u1", 3, "o2", "bread"),
            happened("product_viewed", "?b", 4, "rice"),
        ],
    )
    assert sorted(customers(history, 5)) == ["anonymous:a", "anonymous:b", "old", "u1"]
    links = merged(("anonymous", "a", "u1"), ("user", "old", "u1"), ("user", "a", "nobody"), ("anonymous", "u1", "x"))
    rows = customers(history, 5, links)
    assert sorted(rows) == ["anonymous:b", "u1"]
    assert (rows["u1"]["history_ids"], rows["u1"]["frequency"]) == (["tea", "milk", "bread"], 2)
    assert products(history, 5)["milk"]["buyers_30d"] == 1
    assert set(interactions(history, links, day(5))["customer_id"].to_pylist()) == {"u1", "anonymous:b"}
    with pytest.raises(ValueError, match="names an id twice"):
        customers(history, 5, merged(("user", "old", "u1"), ("user", "old", "u2")))


def test_interactions_are_what_counts_as_interest_in_order(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            bought("u1", 3, "o1", ("milk", 2, "1.25")),
            happened("product_removed", "u1", 2, "milk"),
            happened("product_added", "u1", 1, "milk"),
            happened("product_viewed", "u2", 1, "tea", "rice"),
            happened("page_viewed", "u2", 1),
        ],
    )
    rows = interactions(history, NOBODY, until=day(4)).to_pylist()
    assert [(row["customer_id"], row["product_id"], row["type"], row["weight"]) for row in rows] == [
        ("u1", "milk", "product_added", 0.3),
        ("u2", "tea", "product_viewed", 0.1),
        ("u2", "rice", "product_viewed", 0.1),
        ("u1", "milk", "order_completed", 1.0),
    ]
    assert (rows[3]["quantity"], rows[3]["price"], rows[3]["order_id"]) == (2.0, 1.25, "o1")
    assert (rows[3]["day"], rows[3]["occurred_at"]) == (20_457.0, day(3))
    assert len(interactions(history, NOBODY, until=day(3), since=day(1))) == 3
    assert len(interactions(history, NOBODY, until=day(4), since=day(3))) == 1


def test_only_the_latest_interactions_travel(tmp_path: Path) -> None:
    views = [happened("product_viewed", "u1", number / 100, f"p{number}") for number in range(HISTORY_LIMIT + 3)]
    row = customers(history_of(tmp_path, views[::-1]), 40)["u1"]
    assert row["history_ids"] == [f"p{number}" for number in range(3, HISTORY_LIMIT + 3)]


def test_without_events_there_are_columns_and_no_rows(tmp_path: Path) -> None:
    filled = history_of(tmp_path / "filled", [bought("u1", 1, "o1", "p")])
    for compute in (customer_features, product_features, interactions):
        empty = compute(tmp_path / "missing", NOBODY, day(1))
        assert len(empty) == 0
        assert empty.schema == compute(filled, NOBODY, day(2)).schema


def test_half_a_compaction_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of([bought("u1", 1, "o1", "milk")])
    compact(log, tmp_path, 4)
    log.append([bought("u1", 2, "o2", "tea")])
    with monkeypatch.context() as patch:
        patch.setattr("features.history.os.sync", _killed)
        with pytest.raises(KeyboardInterrupt):
            compact(log, tmp_path, 4)
    assert len(list(tmp_path.glob(FILES))) == 2, "the second part is on disk, but not committed"
    row = customers(tmp_path, 3)["u1"]
    assert (row["history_ids"], row["log_position"]) == (["milk"], 1)
    compact(log, tmp_path, 4)
    row = customers(tmp_path, 3)["u1"]
    assert (row["history_ids"], row["log_position"]) == (["milk", "tea"], 2)


def _killed() -> None:
    raise KeyboardInterrupt


def test_a_time_without_an_offset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="as_of=2026-01-02T00:00:00 has no offset"):
        customer_features(tmp_path, NOBODY, day(1).replace(tzinfo=None))
    with pytest.raises(ValueError, match="known_at"):
        customer_features(tmp_path, NOBODY, day(1), known_at=day(1).replace(tzinfo=None))


orders = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "?a"]),
        st.integers(0, 400 * 86_400_000_000),
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from([0.5, 1.0, 3.0]), st.decimals("0.01", 500, places=2)),
            min_size=1,
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=15,
)


def events_of(drawn: Sequence[tuple[str, int, list[tuple[str, float, Any]]]]) -> list[Record]:
    """One order for each draw."""
    return [
        bought(who, at / 86_400_000_000, f"o{number}", *[(p, q, str(price)) for p, q, price in lines])
        for number, (who, at, lines) in enumerate(drawn)
    ]


@settings(max_examples=20, deadline=None)
@given(orders, st.integers(0, 400))
def test_recency_frequency_and_money_match_a_plain_loop(
    drawn: list[tuple[str, int, list[tuple[str, float, Any]]]], at: int
) -> None:
    with TemporaryDirectory() as folder:
        found = customers(history_of(Path(folder), events_of(drawn)), at)
    frame = pd.DataFrame(
        [
            (who.replace("?", "anonymous:"), moment / 86_400_000_000, sum(q * float(price) for _, q, price in lines))
            for who, moment, lines in drawn
            if moment < at * 86_400_000_000
        ],
        columns=["customer", "day", "spend"],
    )
    assert sorted(found) == sorted(frame["customer"].unique())
    for customer, mine in frame.groupby("customer"):
        row = found[str(customer)]
        assert row["recency_days"] == pytest.approx(at - mine["day"].max(), abs=1e-9)
        assert (row["frequency"], row["monetary"]) == (len(mine), pytest.approx(mine["spend"].sum()))
        for days in (7, 30, 90, 365):
            window = mine[at - mine["day"] <= days]
            assert row[f"orders_{days}d"] == len(window)
            assert row[f"spend_{days}d"] == pytest.approx(window["spend"].sum())
        gaps = np.diff(np.sort(mine["day"]))
        mean, deviation = row["order_interval_mean_days"], row["order_interval_std_days"]
        assert (mean is None) == (len(gaps) < 1)
        assert (deviation is None) == (len(gaps) < 2)
        assert mean is None or mean == pytest.approx(gaps.mean(), abs=1e-6)
        assert deviation is None or deviation == pytest.approx(gaps.std(ddof=1), abs=1e-4)


@settings(max_examples=10, deadline=None)
@given(orders, st.integers(1, 5), st.integers(1, 9))
def test_how_the_history_was_compacted_changes_no_bit(
    drawn: list[tuple[str, int, list[tuple[str, float, Any]]]], positions: int, buckets: int
) -> None:
    log = log_of(events_of(drawn))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        compact(log, Path(one), 1)
        compact(log, Path(other), buckets, positions_per_part=positions)
        for compute in (customer_features, product_features, interactions):
            assert compute(Path(one), NOBODY, day(500)).equals(compute(Path(other), NOBODY, day(500)))


def test_products_of_several_moments_are_those_of_each(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        [
            bought("u1", 1, "o1", ("milk", 1, "1.00"), "tea"),
            happened("product_viewed", "u2", 2, "tea"),
            bought("u2", 3, "o2", "milk"),
            happened("order_cancelled", "u1", 4, order="o1"),
            bought("u2", 5, "o2", "milk"),
        ],
    )
    moments = [day(4.5), day(2.5), day(9), day(0)]
    found = list(products_of_moments(history, NOBODY, moments))
    assert len(found) == 4
    for moment, table in zip(moments, found, strict=True):
        assert table.equals(product_features(history, NOBODY, moment))
    assert list(products_of_moments(history, NOBODY, [])) == []
    assert [len(table) for table in products_of_moments(tmp_path / "nothing", NOBODY, [day(1)])] == [0]

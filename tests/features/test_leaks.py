"""No feature sees its own future: planted ties, late events, late news about orders, and rows made afterwards."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import NOBODY, customer_features, visible
from features.log import Record
from features.snapshots import build
from features.store import apply, open_store, training_set
from tests.features.shop import bought, day, happened, history_of

AS_OF = 50.0

kinds = st.sampled_from(
    ["order_completed", "order_cancelled", "order_refunded", "product_viewed", "product_added", "page_viewed"]
)
occurrences = st.tuples(
    kinds,
    st.sampled_from(["u1", "u2", "?a"]),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
    st.sampled_from(["o1", "o2", "o3"]),
)
past = st.lists(st.tuples(occurrences, st.floats(0, AS_OF, exclude_max=True)), max_size=8)
future = st.lists(st.tuples(occurrences, st.just(AS_OF) | st.floats(AS_OF, 500)), min_size=1, max_size=8)

Drawn = list[tuple[tuple[str, str, list[str], str], float]]


def events_of(drawn: Drawn, received: float | None = None) -> list[Record]:
    """The events drawn, each about an order if its kind is."""
    return [
        happened(kind, who, at, *products, order=order if kind.startswith("order") else None, received=received)
        for (kind, who, products, order), at in drawn
    ]


def features_of(events: Sequence[Record], known_at: float | None = None) -> list[pa.Table]:
    """Everything computed as of `AS_OF`, without positions, which tell what else the log holds."""
    with TemporaryDirectory() as folder:
        history = history_of(Path(folder), events)
        with visible(history, NOBODY, day(AS_OF), None if known_at is None else day(known_at)) as seen:
            return [
                seen.customers().drop_columns(["log_position"]),
                seen.products(),
                seen.interactions().drop_columns(["position"]),
            ]


@settings(max_examples=20, deadline=None)
@given(past, future, st.randoms(use_true_random=False))
def test_what_happens_from_as_of_on_changes_no_feature(before: Drawn, after: Drawn, order: Any) -> None:
    """Bit for bit, also when the log holds the future first, and when the future is about orders of the past."""
    alone = events_of(before, received=AS_OF)
    both = alone + events_of(after, received=AS_OF)
    order.shuffle(both)
    sequence = {record.key: number for number, record in enumerate(both)}
    alone.sort(key=lambda record: sequence[record.key])
    for expected, found in zip(features_of(alone), features_of(both), strict=True):
        assert found.equals(expected)


@settings(max_examples=15, deadline=None)
@given(past, past)
def test_what_was_not_received_yet_changes_no_feature(punctual: Drawn, late: Drawn) -> None:
    alone = events_of(punctual, received=AS_OF)
    both = alone + events_of(late, received=AS_OF + 0.001)
    for expected, found in zip(features_of(alone), features_of(both, known_at=AS_OF), strict=True):
        assert found.equals(expected)


def test_a_tie_with_as_of_is_the_future(tmp_path: Path) -> None:
    history = history_of(tmp_path, [bought("u1", 1, "o1", "p"), bought("u1", 2, "o2", "q")])
    assert customer_features(history, NOBODY, day(2))["frequency"].to_pylist() == [1]
    instant_later = customer_features(history, NOBODY, day(2 + 1 / 86_400_000_000))
    assert instant_later["frequency"].to_pylist() == [2]


def test_a_late_event_counts_when_it_occurred_unless_knowledge_is_asked_for(tmp_path: Path) -> None:
    history = history_of(
        tmp_path, [bought("u1", 1, "o1", "p"), happened("order_completed", "u1", 2, "q", order="o2", received=10)]
    )
    frequency = [
        customer_features(history, NOBODY, day(5), known_at=known_at)["frequency"].to_pylist()
        for known_at in (None, day(5), day(9.99), day(10))
    ]
    assert frequency == [[2], [1], [1], [2]]


def test_an_order_is_a_purchase_until_the_news_of_its_end(tmp_path: Path) -> None:
    history = history_of(tmp_path, [bought("u1", 1, "o1", "p"), happened("order_cancelled", "u1", 3, order="o1")])
    assert [customer_features(history, NOBODY, day(at))["frequency"].to_pylist() for at in (2, 3, 3.01)] == [
        [1],
        [1],
        [0],
    ]


def test_a_training_row_sees_neither_later_tables_nor_later_knowledge(tmp_path: Path) -> None:
    """From events to the joined row, through Feast: a count knows only the days before its own."""
    days = [3.0, 3.5, 10.0, 12.0, 12.25, 30.0]
    history = history_of(tmp_path / "history", [bought("u1", at, f"o{at}", "p") for at in days])
    for as_of in (2, 3, 4, 11, 12, 13, 31):
        build(history, NOBODY, tmp_path / "features", day(as_of))
    store = open_store(tmp_path / "features", "sqlite")
    apply(store)
    asked = [2.0, 3.0, 3.5, 3.99, 4.0, 12.0, 12.999, 13.0, 31.0, 39.5]
    rows = pd.DataFrame({"customer_id": "u1", "event_timestamp": pd.to_datetime([day(at) for at in asked], utc=True)})
    joined = training_set(store, rows, ["customer:frequency", "customer:history_days"])
    expected = [0, 0, 0, 0, 2, 3, 3, 5, 6, 6]
    assert joined["frequency"].fillna(0).tolist() == expected
    first_day = pd.Timestamp(day(0)).timestamp() / 86_400
    for at, seen in zip(asked, joined["history_days"], strict=True):
        assert seen is None or max(seen) - first_day < at


def test_a_table_made_later_does_not_reach_back(tmp_path: Path) -> None:
    """A correction of day 10, made on day 20 when the order of day 9 was heard of, is for rows from day 20 on."""
    late = happened("order_completed", "u1", 9, "q", order="o2", received=19)
    history = history_of(tmp_path / "history", [bought("u1", 1, "o1", "p"), late])
    build(history, NOBODY, tmp_path / "features", day(9.5), known_at=day(9.5))
    build(history, NOBODY, tmp_path / "features", day(10), created=day(20))
    store = open_store(tmp_path / "features", "sqlite")
    apply(store)
    rows = pd.DataFrame(
        {"customer_id": "u1", "event_timestamp": pd.to_datetime([day(at) for at in (11, 19.9, 20, 21)], utc=True)}
    )
    assert training_set(store, rows, ["customer:frequency"])["frequency"].tolist() == [1, 1, 2, 2]


def test_planting_a_leak_is_noticed(tmp_path: Path) -> None:
    """The laws above have teeth: computed a moment too late, the very same comparison fails."""
    history = history_of(tmp_path, [bought("u1", 1, "o1", "p"), bought("u1", AS_OF, "o2", "p")])
    honest, leaking = (customer_features(history, NOBODY, day(at)) for at in (AS_OF, AS_OF + 1e-6))
    assert not leaking["history_ids"].equals(honest["history_ids"])

"""First orders and who came again: of whom it is known that it was the first, and that the time has passed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.compute import NOBODY, Visible, visible
from features.database import open_database
from features.events import Body, Event, Line
from features.first_orders import first_orders, known_until, orderers
from features.history import compact
from features.log import EVENTS, Log, to_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=200)
LEAD, WITHIN = timedelta(days=60), timedelta(days=60)


def order(customer: str, day: float, *products: str, id_: str = "", kind: str = "order_completed") -> Event:
    at = BEGIN + timedelta(days=day)
    number = id_ or f"{customer}-{day}"
    lines = tuple(Line(product_id=one) for one in products)
    return Event(
        message_id=f"{number}-{kind}",
        type=kind,
        occurred_at=at,
        received_at=at,
        user_id=customer,
        body=Body(order_id=number, lines=lines),
    )


@contextmanager
def seen(tmp_path: Path, *events: Event) -> Iterator[Visible]:
    engine = open_database("sqlite://")
    log = Log(engine, EVENTS)
    log.append([to_record(one) for one in events])
    compact(log, tmp_path / "history", 1)
    with visible(tmp_path / "history", NOBODY, END) as found:
        yield found
    engine.dispose()


def counted(tmp_path: Path, *events: Event, fewest: int = 1) -> tuple[int, int, dict[str, tuple[int, int]]]:
    with seen(tmp_path, order("old", 0, "x"), *events) as found:
        told = first_orders(found, LEAD, WITHIN, fewest)
    assert told is not None
    rows: list[dict[str, Any]] = told.products.to_pylist()
    return told.customers, told.returned, {row["product_id"]: (row["customers"], row["returned"]) for row in rows}


def test_who_comes_back_in_time_comes_back(tmp_path: Path) -> None:
    events = [
        order("ann", 70, "tea", "cup"),
        order("ann", 129.9, "tea"),
        order("bob", 70, "tea"),
        order("bob", 130.1, "tea"),
        order("cleo", 80, "cup"),
    ]
    assert counted(tmp_path, *events) == (3, 1, {"tea": (2, 1), "cup": (2, 1)})


def test_only_the_first_order_counts_and_a_product_once(tmp_path: Path) -> None:
    events = [order("ann", 70, "tea", "tea"), order("ann", 90, "mug"), order("ann", 100, "tea")]
    assert counted(tmp_path, *events) == (1, 1, {"tea": (1, 1)})


def test_who_may_have_ordered_before_or_has_no_time_yet_is_left_out(tmp_path: Path) -> None:
    early, late = order("early", 59.9, "tea"), order("late", 140.1, "tea")
    again = order("early", 70, "tea")
    assert counted(tmp_path, early, again, late, order("ann", 60, "tea")) == (1, 0, {"tea": (1, 0)})


def test_what_was_returned_was_not_bought(tmp_path: Path) -> None:
    events = [
        order("ann", 70, "tea", id_="o1"),
        order("ann", 75, "cup", id_="o2"),
        order("ann", 75.5, id_="o2", kind="order_cancelled"),
        order("bob", 70, "mug", id_="o3"),
        order("bob", 71, id_="o3", kind="order_cancelled"),
        order("bob", 80, "pot", id_="o4"),
    ]
    assert counted(tmp_path, *events) == (2, 0, {"tea": (1, 0), "pot": (1, 0)})


def test_rare_products_are_left_out_and_everybody_still_counts(tmp_path: Path) -> None:
    events = [order(f"c{number}", 70, "tea", f"own-{number}") for number in range(3)]
    assert counted(tmp_path, *events, fewest=2) == (3, 0, {"tea": (3, 0)})


def test_a_history_too_short_says_nothing(tmp_path: Path) -> None:
    with seen(tmp_path / "a") as found:
        assert first_orders(found, LEAD, WITHIN, 1) is None
        assert known_until(found) is None
    with seen(tmp_path / "b", order("ann", 150, "tea")) as found:
        assert first_orders(found, LEAD, WITHIN, 1) is None
        assert known_until(found) == BEGIN + timedelta(days=150)


@pytest.mark.parametrize(
    ("since", "until", "who"), [(70, 80, ["ann"]), (70.1, 80.1, ["bob"]), (0, 200, ["ann", "bob"])]
)
def test_who_ordered_in_a_while(tmp_path: Path, since: float, until: float, who: list[str]) -> None:
    with seen(tmp_path, order("ann", 70, "tea"), order("bob", 80, "tea")) as found:
        told = orderers(found, BEGIN + timedelta(days=since), BEGIN + timedelta(days=until))
    assert told["customer_id"].to_pylist() == who

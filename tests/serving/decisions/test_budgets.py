from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.database import open_database
from features.decisions import DECISION, Decided, Option, Terms
from features.log import DECISIONS, Log, Record, microseconds
from serving.decisions.budgets import Budgets, Spending
from serving.decisions.rules import SILENCE

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
TENTH = Option(1.0, "email", NOON, incentive="tenth", discount=8.0)
PLAIN = Option(1.0, "email", NOON)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    engine = open_database(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield Log(engine, DECISIONS)
    engine.dispose()


def _record(key: str, option: Option, at: datetime, type_: str = DECISION) -> Record:
    decided = Decided(
        decision_point="cart_recovery",
        customer_id="u1",
        trigger_id="c1",
        trigger_type="cart_abandoned",
        trigger_at=at,
        step=1,
        arm="policy",
        mode="online",
        policy="cart-policy",
        policy_version="1",
        context={},
        options=(SILENCE, option),
        chosen=0 if option.channel is None else 1,
        propensity=1.0,
        terms=Terms(margin=0.3, window_hours=168.0, unsubscribe_cost=0.0, complaint_cost=0.0),
        valid_until=at,
    )
    when = microseconds(at)
    return Record(key, type_, when, when, "u1", None, msgspec.json.encode(decided).decode())


def test_promises_of_the_day_are_counted_in_full_and_silence_is_no_message(log: Log) -> None:
    log.append([_record("a", TENTH, NOON), _record("b", PLAIN, NOON), _record("c", SILENCE, NOON)])
    log.append([_record("d", TENTH, NOON, "recommendation")])
    assert Budgets(log, "UTC").today(NOON) == Spending({"tenth": 8.0}, {"tenth": 1}, 2)


def test_a_day_is_one_of_the_shop(log: Log) -> None:
    evening = datetime(2026, 11, 16, 20, tzinfo=UTC)
    log.append([_record("a", TENTH, evening), _record("b", TENTH, evening + timedelta(hours=2))])
    moscow = Budgets(log, "Europe/Moscow")
    assert moscow.today(evening).promised == {"tenth": 8.0}, "23:00 in Moscow"
    assert moscow.today(evening + timedelta(hours=2)).promised == {"tenth": 8.0}, "01:00 of the next day"
    assert Budgets(log, "UTC").today(evening).promised == {"tenth": 16.0}


def test_what_is_decided_counts_at_once_and_only_once(log: Log) -> None:
    budgets = Budgets(log, "UTC")
    budgets.reserve("a", TENTH, NOON)
    assert budgets.today(NOON).promised == {"tenth": 8.0}
    log.append([_record("a", TENTH, NOON)])
    assert budgets.today(NOON) == Spending({"tenth": 8.0}, {"tenth": 1}, 1)
    assert budgets.today(NOON) == Spending({"tenth": 8.0}, {"tenth": 1}, 1)


def test_a_reservation_that_came_to_nothing_is_given_back_and_what_is_written_stays(log: Log) -> None:
    budgets = Budgets(log, "UTC")
    budgets.reserve("a", TENTH, NOON)
    budgets.reserve("b", TENTH, NOON)
    log.append([_record("b", PLAIN, NOON)])  # somebody else decided first, and otherwise
    budgets.release("a")
    budgets.release("b")
    assert budgets.today(NOON) == Spending({}, {}, 1)
    budgets.release("b")
    assert budgets.today(NOON) == Spending({}, {}, 1)


def test_what_other_processes_write_is_seen(log: Log) -> None:
    one, other = Budgets(log, "UTC"), Budgets(log, "UTC")
    assert one.today(NOON).messages == other.today(NOON).messages == 0
    log.append([_record("a", TENTH, NOON)])
    assert one.today(NOON) == other.today(NOON) == Spending({"tenth": 8.0}, {"tenth": 1}, 1)


@settings(max_examples=30, deadline=None)
@given(hours=st.lists(st.integers(0, 120), max_size=30).map(sorted), asked=st.integers(0, 120))
def test_a_service_that_starts_anew_counts_the_day_as_one_that_was_there_all_along(
    hours: list[int], asked: int
) -> None:
    engine = open_database("sqlite://")
    log = Log(engine, DECISIONS)
    always = Budgets(log, "Europe/Moscow")
    start = datetime(2026, 11, 10, tzinfo=UTC)
    now = start + timedelta(hours=max([asked, *hours]))
    for number, hour in enumerate(hours):
        at = start + timedelta(hours=hour)
        log.append([_record(f"d{number}", TENTH, at)])
        always.today(at)
    expected = sum((start + timedelta(hours=hour + 3)).date() == (now + timedelta(hours=3)).date() for hour in hours)
    assert always.today(now).messages == Budgets(log, "Europe/Moscow").today(now).messages == expected
    engine.dispose()


def test_what_may_still_be_chosen_is_held_until_it_is_drawn(log: Log) -> None:
    budgets = Budgets(log, "UTC")
    seen = budgets.today(NOON)
    assert budgets.hold({"tenth": 8.0, "gift": 5.0}, NOON, seen)
    assert not budgets.hold({"tenth": 8.0}, NOON, seen), "somebody else was promised something since"
    assert budgets.today(NOON) == Spending({"tenth": 8.0, "gift": 5.0}, {"tenth": 1, "gift": 1}, 0)
    assert budgets.hold({"tenth": 8.0}, NOON, budgets.today(NOON))
    budgets.reserve("a", TENTH, NOON)
    budgets.give_back({"tenth": 8.0, "gift": 5.0}, NOON)
    budgets.give_back({"tenth": 8.0}, NOON)
    assert budgets.today(NOON) == Spending({"tenth": 8.0}, {"tenth": 1}, 1)
    assert budgets.today(NOON + timedelta(days=9)).messages == 0
    assert budgets.today(NOON) == Spending({}, {}, 0), "nobody ever wrote it"

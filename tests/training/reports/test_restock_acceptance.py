"""What customers said of prepared carts: the last word counts, and silence is none."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from itertools import count

import msgspec
import pytest

from features.database import open_database
from features.decisions import RESTOCK_CART, PreparedCart, PreparedItem
from features.events import RESTOCK_FEEDBACK, Body, Event, Line
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, to_record
from features.reports.restock_calendar import Acceptance
from training.reports.restock_acceptance import SINCE, accepted

NOW = datetime(2026, 11, 21, tzinfo=UTC)
_NUMBERS = count()


@pytest.fixture
def logs() -> tuple[Log, Log]:
    engine = open_database("sqlite://")
    return Log(engine, EVENTS), Log(engine, DECISIONS)


def prepare(log: Log, cart_id: str, at: datetime = NOW - timedelta(days=5), **confidence: str | None) -> None:
    items = tuple(
        PreparedItem(product_id=id_, unit_id=id_, quantity=1, probability=0.5, reason="", confidence=sure)
        for id_, sure in confidence.items()
    )
    cart = PreparedCart(
        model="replenishment", model_version="1", items=items, valid_until=NOW, shopping_day=date(2026, 11, 20)
    )
    when = microseconds(at)
    log.append([Record(cart_id, RESTOCK_CART, when, when, "u1", None, msgspec.json.encode(cart).decode())])


def say(log: Log, cart_id: str, word: str, *products: str, at: datetime = NOW - timedelta(days=4)) -> None:
    body = Body(cart_id=cart_id, feedback=word, lines=tuple(Line(product_id=id_) for id_ in products))
    told = {"occurred_at": at, "received_at": at, "user_id": "u1", "body": body}
    log.append([to_record(Event(message_id=f"m{next(_NUMBERS)}", type=RESTOCK_FEEDBACK, **told))])  # type: ignore[arg-type]


def rows(logs: tuple[Log, Log], as_of: datetime = NOW) -> dict[str | None, Acceptance]:
    return {one.confidence: one for one in accepted(*logs, as_of).by_confidence}


def test_each_item_counts_by_the_last_word_on_it(logs: tuple[Log, Log]) -> None:
    events, decisions = logs
    prepare(decisions, "rc_1", milk="high", tea="high", food="low", salt="low")
    say(events, "rc_1", "rejected", "milk", "food")
    say(events, "rc_1", "ordered", "milk", at=NOW - timedelta(days=3))
    say(events, "rc_1", "edited", "tea")
    found = rows(logs)
    high, low = found["high"], found["low"]
    assert (high.proposed, high.ordered, high.edited, high.rejected) == (2, 1, 1, 0)
    assert (low.proposed, low.ordered, low.edited, low.rejected) == (2, 0, 0, 1)
    assert (high.taken.count, high.taken.of) == (2, 2)
    assert (low.taken.count, low.taken.of) == (0, 1)


def test_what_was_told_late_does_not_undo_what_was_said_later(logs: tuple[Log, Log]) -> None:
    events, decisions = logs
    prepare(decisions, "rc_1", milk="high")
    say(events, "rc_1", "ordered", "milk", at=NOW - timedelta(days=1))
    say(events, "rc_1", "rejected", "milk", at=NOW - timedelta(days=2))
    assert rows(logs)["high"].ordered == 1


def test_silence_is_no_refusal(logs: tuple[Log, Log]) -> None:
    prepare(logs[1], "rc_1", milk="high")
    one = rows(logs)["high"]
    assert (one.proposed, one.taken.of, one.taken.value) == (1, 0, None)


def test_words_on_others_carts_and_products_count_for_nothing(logs: tuple[Log, Log]) -> None:
    events, decisions = logs
    prepare(decisions, "rc_1", milk="high")
    say(events, "rc_other", "ordered", "milk")
    say(events, "rc_1", "ordered", "tea")
    assert rows(logs)["high"].taken.of == 0


def test_only_what_was_known_then_counts(logs: tuple[Log, Log]) -> None:
    events, decisions = logs
    prepare(decisions, "rc_old", at=NOW - timedelta(days=200), milk="high")
    prepare(decisions, "rc_1", milk="high")
    prepare(decisions, "rc_new", at=NOW + timedelta(days=1), milk="high")
    say(events, "rc_1", "ordered", "milk", at=NOW + timedelta(hours=1))
    found = accepted(events, decisions, NOW)
    assert found.carts == 1
    assert rows(logs)["high"].taken.of == 0
    assert rows(logs, NOW + timedelta(days=2))["high"].taken.of == 1


def test_carts_of_before_the_confidence_was_kept_stand_apart_and_last(logs: tuple[Log, Log]) -> None:
    prepare(logs[1], "rc_1", milk=None, tea="low", food="high")
    assert list(rows(logs)) == ["high", "low", None]


def test_without_carts_there_is_nothing(logs: tuple[Log, Log]) -> None:
    found = accepted(*logs, NOW)
    assert (found.carts, found.by_confidence) == (0, ())


def test_of_more_carts_the_newest_are_looked_at_and_the_report_says_since_when(logs: tuple[Log, Log]) -> None:
    days = (40, 30, 20, 10)
    for day in days:
        prepare(logs[1], f"rc_{day}", at=NOW - timedelta(days=day), milk="high")
        say(logs[0], f"rc_{day}", "ordered", "milk", at=NOW - timedelta(days=day))
    found = accepted(*logs, NOW, most=2)
    assert (found.carts, found.since) == (2, NOW - timedelta(days=20))
    assert (found.by_confidence[0].proposed, found.by_confidence[0].ordered) == (2, 2)
    assert accepted(*logs, NOW, most=4).since == NOW - SINCE


def test_neither_log_is_read_where_it_is_older_than_the_carts(
    logs: tuple[Log, Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(400, 0, -1):
        prepare(logs[1], f"rc_{day}", at=NOW - timedelta(days=day), milk="high")
        say(logs[0], f"rc_{day}", "ordered", "milk", at=NOW - timedelta(days=day))
    begun: list[int] = []
    read = Log.read

    def watched(log: Log, after: int = 0, limit: int = 10_000, types: Collection[str] = ()) -> list[Record]:
        if types:
            begun.append(after)
        return read(log, after, limit, types)

    monkeypatch.setattr(Log, "read", watched)
    found = accepted(*logs, NOW)
    assert (found.carts, found.by_confidence[0].ordered) == (90, 90)
    assert min(begun) >= 400 - 92

"""The newest decisions are found from the end of the log, as many as asked for and no more read than that."""

from datetime import timedelta

import pytest

from tests.training.policy.planted import POINT, START, Planted, hours
from training.policy.dataset import history
from training.reports.newest import Stretch, newest

LATER = START + timedelta(days=200)


@pytest.fixture
def shop() -> Planted:
    """Forty decisions, every fourth of them at another point."""
    found = Planted()
    for number in range(40):
        more = {"decision_point": "browse"} if number % 4 == 3 else {}
        found.decided(f"d{number}", f"c{number}", START + hours(number), **more)
    return found


@pytest.mark.parametrize("count", [1, 7, 29])
def test_just_so_many_stand_behind_the_position(shop: Planted, count: int) -> None:
    logs = shop.logs
    stretch = newest(logs.decisions, [POINT, "browse"], count, LATER)[POINT]
    seen = history(logs, [POINT], LATER, stretch.after)
    assert len(seen) == count
    assert stretch.limited
    assert [one.customer_id for one in seen.journal.decided][-1] == "c38"


def test_where_there_are_fewer_everything_is_read(shop: Planted) -> None:
    found = newest(shop.logs.decisions, [POINT, "browse", "wishlist"], 30, LATER)
    assert found == dict.fromkeys([POINT, "browse", "wishlist"], Stretch())


def test_what_is_decided_later_is_not_there_yet(shop: Planted) -> None:
    logs, moment = shop.logs, START + hours(8)
    stretch = newest(logs.decisions, [POINT], 4, moment)[POINT]
    records = [record for batch in logs.decisions.scan(stretch.after) for record in batch]
    before = [record.key for record in records if record.occurred_at < moment.timestamp() * 1e6]
    assert [key for key in before if key not in ("d3", "d7")] == ["d2", "d4", "d5", "d6"]


def test_a_long_log_is_not_read_to_its_beginning(shop: Planted) -> None:
    found = newest(shop.logs.decisions, [POINT, "browse"], 3, LATER, most=10)
    assert found[POINT].limited
    assert found["browse"] == Stretch(30, True)


def test_what_was_decided_before_the_window_is_neither_counted_nor_read(shop: Planted) -> None:
    decisions = shop.logs.decisions
    found = newest(decisions, [POINT, "browse"], 100, LATER, START + hours(20))
    assert found == dict.fromkeys([POINT, "browse"], Stretch(20))
    assert newest(decisions, [POINT], 15, LATER, START + hours(20))[POINT] == Stretch(20), "there are just fifteen"
    assert newest(decisions, [POINT], 14, LATER, START + hours(20))[POINT] == Stretch(21, True)


def test_an_empty_log_has_no_newest() -> None:
    assert newest(Planted().logs.decisions, [POINT], 3, LATER) == {POINT: Stretch()}

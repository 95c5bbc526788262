"""The heat map: every message once, in its reader's own hour, and nothing is proved that chance did not draw."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from features.reports.heatmap import Grid, HeatMap
from models.policies.rhythm import HOURS_OF_WEEK
from tests.training.policy.planted import MAIL, POINT, SILENCE, START, Planted, hours
from training.policy.dataset import History
from training.reports.heatmap import Hours, heatmap

LATER = START + timedelta(days=60)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def clock(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or "Europe/Moscow")


def told(seen: History, as_of: datetime = LATER, model: str | None = None, scores: object = None) -> HeatMap:
    known = Hours(clock, {"email": (0.0,) * 24}, model, scores)  # type: ignore[arg-type]
    return heatmap(seen.journal, seen.outcomes, POINT, known, as_of, as_of)


def whole(found: HeatMap, measure: str = "answered") -> Grid:
    return next(one for one in found.grids if (one.channel, one.segment, one.measure) == (None, None, measure))


def planted(count: int, better: int | None = None, arm: str = "policy", seed: int = 0) -> History:
    """`count` messages at any hours; those at the hour of the day `better` are answered four times as often."""
    rng, shop = np.random.default_rng(seed), Planted()
    for number in range(count):
        at = MONDAY + hours(float(rng.integers(0, 24 * 14))) + timedelta(minutes=5)
        sms = msgspec.structs.replace(MAIL, channel="sms")
        contexts: list[dict[str, float]] = [
            {"is_new": 1.0},
            {"is_new": 0.0, "frequency": 4.0, "recency_days": 9.0},
            {"is_new": 0.0, "frequency": 4.0, "recency_days": 300.0},
            {},
        ]
        shop.decided(
            f"d{number}",
            f"c{number}",
            at - hours(2),
            options=(SILENCE, sms if number % 3 == 0 else MAIL),
            context=contexts[number % 4],
            arm=arm,
            timezone="UTC",
        )
        channel = "sms" if number % 3 == 0 else "email"
        shop.sent(f"d{number}", f"c{number}", at, channel)
        if rng.random() < (0.8 if at.hour == better else 0.2):
            shop.happened("message_clicked", f"c{number}", at + hours(1), decision_id=f"d{number}", channel=channel)
    return shop.history(LATER)


@cache
def mixed() -> History:
    return planted(300)


def test_every_message_is_in_one_hour_one_channel_and_one_segment() -> None:
    found = told(mixed())
    grids = {(one.channel, one.segment): np.array(one.sends) for one in found.grids if one.measure == "answered"}
    answers = {(one.channel, one.segment): np.array(one.answered) for one in found.grids if one.measure == "answered"}
    for of, total in (
        (grids, 300),
        (answers, sum(one.clicked or one.orders > 0 for one in mixed().outcomes)),
    ):
        assert of[None, None].sum() == total
        by_channel = of["email", None] + of["sms", None]
        by_segment = sum(of[None, name] for name in ("new", "repeat", "lapsed", "unknown"))
        np.testing.assert_array_equal(by_channel, of[None, None])
        np.testing.assert_array_equal(by_segment, of[None, None])
    assert {name: grids[None, name].sum() for name in ("new", "repeat", "lapsed", "unknown")} == dict.fromkeys(
        ("new", "repeat", "lapsed", "unknown"), 75
    )


def test_blocks_add_up_to_the_whole_week() -> None:
    grid = whole(told(mixed()))
    assert sum(block.answered.of for block in grid.blocks) == 300
    for block in grid.blocks:
        assert block.answered.of + block.others.of == 300
        assert block.answered.count + block.others.count == grid.average.count


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("UTC", 23), ("Asia/Tokyo", 32), ("America/New_York", 19), (None, 26), ("Asia/Kathmandu", 28)],
)
def test_the_hour_is_that_of_the_customers_own_clock(zone: str | None, hour: int) -> None:
    shop = Planted()
    shop.decided("d", "ann", MONDAY, timezone=zone)
    shop.sent("d", "ann", MONDAY + hours(23))
    assert np.flatnonzero(whole(told(shop.history(LATER))).sends).tolist() == [hour]


def test_the_hour_that_is_skipped_in_spring_is_skipped() -> None:
    shop, sunday = Planted(), datetime(2026, 3, 29, tzinfo=UTC)
    for number in range(2):
        shop.decided(f"d{number}", f"c{number}", sunday, timezone="Europe/Berlin")
        shop.sent(f"d{number}", f"c{number}", sunday + hours(number + 0.5))
    sends = whole(told(shop.history(LATER))).sends
    assert [hour - 144 for hour in np.flatnonzero(sends)] == [1, 3]


def test_only_what_came_after_the_message_answers_it_and_only_from_people() -> None:
    shop = Planted()
    for number in range(4):
        shop.decided(f"d{number}", f"c{number}")
        shop.sent(f"d{number}", f"c{number}", START + hours(24))
    shop.ordered("c0", START + hours(3), "10")
    shop.ordered("c1", START + hours(30), "10")
    shop.happened("email_opened", "c2", START + hours(25), decision_id="d2", machine=True)
    shop.happened("email_opened", "c3", START + hours(25), decision_id="d3")
    found = told(shop.history(LATER))
    assert (whole(found).average.count, whole(found, "ordered").average.count) == (2, 1)


def test_open_windows_wait_and_silence_is_no_message() -> None:
    shop = Planted()
    for number in range(3):
        shop.decided(f"d{number}", f"c{number}", START + timedelta(days=2 * number), send=number != 1)
        shop.sent(f"d{number}", f"c{number}", START + timedelta(days=2 * number, hours=1)) if number != 1 else None
    when = START + timedelta(days=5)
    found = told(shop.history(when), when)
    assert (sum(whole(found).sends), found.immature) == (1, 1)


def test_hours_that_chance_drew_prove_and_others_are_only_seen() -> None:
    drawn, chosen = whole(told(planted(900, 10, "random"))), whole(told(planted(900, 10)))
    for grid, proved in ((drawn, True), (chosen, False)):
        mornings = [block for block in grid.blocks if block.from_hour == 9]
        assert any(block.seen for block in mornings)
        assert any(block.proved for block in mornings) == proved
        above = [block for block in grid.blocks if (block.answered.value or 0) > (block.others.value or 0)]
        assert not any(block.seen for block in above if block.from_hour != 9)


def test_where_hours_do_not_matter_hardly_a_shop_sees_one() -> None:
    found = [told(planted(120, seed=seed, arm="random")) for seed in range(6)]
    assert sum(any(block.seen for block in whole(one).blocks) for one in found) <= 1


def test_an_estimate_lies_within_its_interval_and_starts_from_the_models_hours() -> None:
    scores = np.where(np.arange(HOURS_OF_WEEK) % 24 == 10, 1.4, 0.0)
    plain, foreseen = told(planted(900, 10)), told(planted(900, 10), model="send-time 3", scores=scores)
    for found in (plain, foreseen):
        grid = whole(found)
        for low, estimate, high in zip(grid.low, grid.estimate, grid.high, strict=True):
            assert low is not None
            assert estimate is not None
            assert high is not None
            assert 0 <= low <= estimate <= high <= 1
    assert foreseen.model == "send-time 3"
    truth = np.where(np.arange(HOURS_OF_WEEK) % 24 == 10, 0.8, 0.2)
    missed = [np.mean((np.array(whole(found).estimate, float) - truth) ** 2) for found in (plain, foreseen)]
    assert missed[1] < missed[0]


def test_an_empty_shop_has_one_empty_grid_a_measure() -> None:
    found = told(Planted().history(LATER))
    assert [(one.channel, one.segment, sum(one.sends)) for one in found.grids] == [(None, None, 0)] * 2
    assert whole(found).estimate == (None,) * HOURS_OF_WEEK
    assert whole(found).blocks == ()

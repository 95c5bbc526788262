"""Nothing is claimed that was not earned: dates come true as often as is said, and thin evidence is silent."""

from dataclasses import replace

import numpy as np
import pytest

from models.arrays import Floats
from models.time_to_event.curves import daily, quantile
from models.time_to_event.durations import HORIZON, Durations, next_purchases
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.pairs import Pairs, Watch, pairs_at
from models.time_to_event.purchases import Purchases
from models.time_to_event.standing import NEAR, Standing, promise

DAYS = 400
ASKED = DAYS - HORIZON
SHARES = (0.5, 0.25)


def purchases(cadences: list[tuple[float, float]], seed: int = 0, customers: int = 150) -> Purchases:
    """A unit for each (usual interval, its coefficient of variation); gamma intervals, everybody stays."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit, (mean, variation) in enumerate(cadences):
        shape = 1.0 / variation**2
        gaps = rng.gamma(shape, mean / shape, (customers, int(4 * DAYS / mean) + 10))
        days = np.floor(np.cumsum(gaps, axis=1) - gaps[:, :1] * rng.random((customers, 1))).astype(np.int64)
        who, which = np.nonzero((days >= 0) & (days <= DAYS))
        rows.append(np.stack([who, np.full(len(who), unit), days[who, which]]))
    customer, unit, day = np.hstack(rows).astype(np.int32)
    count = len(cadences)
    return Purchases.of(
        customer,
        unit,
        day,
        np.ones(len(day)),
        np.full(len(day), np.nan),
        np.array([f"u{place}" for place in range(count)], object),
        np.zeros(count, np.int32),
        np.array(["d"], object),
        customers,
        DAYS,
    )


WORLD = purchases([(20, 0.1), (20, 0.9), (6, 0.3), (40, 0.6)])
KNOWN = WORLD.until(ASKED)
NEED = LogNormal().fit(Durations.of(KNOWN, range(ASKED - 140, ASKED, 14)))
LEARNED = Standing.learned(NEED, KNOWN, Watch(), SHARES)
PAIRS = pairs_at(KNOWN, ASKED)
CURVES = daily(NEED, PAIRS)
EVERY = np.ones(len(PAIRS), bool)


def hits(pairs: Pairs, curves: Floats) -> Floats:
    """1 where the next purchase came within three days of the date."""
    times, _ = next_purchases(WORLD, pairs)
    date = np.round(quantile(curves, 0.5))
    with np.errstate(invalid="ignore"):
        return (np.abs(times - date) <= NEAR).astype(float)


def asked_of(pairs: Pairs, **columns: float) -> Pairs:
    """The same pairs with other evidence."""
    return replace(pairs, columns={**pairs.columns, **{name: np.full(len(pairs), v) for name, v in columns.items()}})


def test_dates_come_true_as_often_as_their_confidence_says() -> None:
    confidence, hit = LEARNED.confidence(CURVES, PAIRS, EVERY), hits(PAIRS, CURVES)
    sure = confidence == "high"
    assert hit[sure].mean() > 0.5 > 2 * hit[~sure].mean()
    regular = PAIRS.units == 0
    assert (confidence[regular] == "high").mean() > 0.9, "every 20 days, give or take two"
    assert (confidence[PAIRS.units == 1] == "high").mean() < 0.05, "as often, but at any time"


def test_a_rule_that_promises_everything_earns_nothing() -> None:
    chaos = purchases([(20, 0.9), (45, 1.0)]).until(ASKED)
    rule = MeanInterval().fit(Durations.of(chaos, range(ASKED - 140, ASKED, 14)))
    pairs = pairs_at(chaos, ASKED)
    curves = daily(rule, pairs)
    assert promise(curves).max() == 1.0
    learned = Standing.learned(rule, chaos, Watch(), SHARES)
    assert "high" not in learned.confidence(curves, pairs, np.ones(len(pairs), bool))


def test_two_equal_intervals_are_not_regular() -> None:
    few = asked_of(PAIRS, purchases=3.0)
    assert "high" not in LEARNED.confidence(CURVES, few, EVERY)


def test_without_a_past_nothing_is_sure() -> None:
    start = KNOWN.until(int(KNOWN.days.min()) + 5)
    learned = Standing.learned(NEED, start, Watch(), SHARES)
    assert learned.high == learned.medium == np.inf
    assert set(learned.confidence(CURVES, PAIRS, EVERY)) == {"low"}
    nobody = Standing.learned(NEED, KNOWN.among(np.zeros(KNOWN.customer_count, bool)), Watch(), SHARES)
    assert np.isfinite([nobody.log_mean, nobody.log_variance]).all()


def test_where_nothing_is_known_nothing_is_claimed() -> None:
    nothing = np.zeros(len(PAIRS), bool)
    assert set(LEARNED.status(CURVES, PAIRS, nothing)) == {"unknown"}
    assert set(LEARNED.confidence(CURVES, PAIRS, nothing)) == {"none"}


def test_the_status_follows_the_customers_own_rhythm() -> None:
    pair = PAIRS.rows(np.flatnonzero(PAIRS.units == 0)[:1].astype(np.int32))

    def status(elapsed: float, left: float, soon: float) -> str:
        """For a curve of which `left` is never used up and `soon` is used in the first week."""
        curve = np.full((1, HORIZON + 1), 1.0 - soon)
        curve[0, 0], curve[0, 8:] = 1.0, left
        return str(LEARNED.status(curve, asked_of(pair, elapsed=elapsed), np.ones(1, bool))[0])

    assert status(elapsed=3, left=0.05, soon=0.1) == "upcoming"
    assert status(elapsed=40, left=0.3, soon=0.3) == "overdue"
    assert status(elapsed=18, left=0.1, soon=0.6) == "due"
    assert status(elapsed=100, left=0.9, soon=0.05) == "lapsed"


def test_who_buys_rarely_has_not_left_after_a_quarter() -> None:
    pair = PAIRS.rows(np.zeros(1, np.int32))
    curve = np.linspace(1.0, 0.8, HORIZON + 1)[None, :]
    rare = asked_of(pair, purchases=12.0, log_mean=np.log(300.0), log_variance=0.05, elapsed=80.0)
    often = asked_of(pair, purchases=12.0, log_mean=np.log(20.0), log_variance=0.05, elapsed=80.0)
    assert LEARNED.still_a_buyer(curve, rare) > 0.6
    assert LEARNED.still_a_buyer(curve, often) < 0.3


@pytest.mark.parametrize("columns", [{"purchases": 1.0, "log_mean": np.nan, "log_variance": np.nan}, {"elapsed": 9e5}])
def test_odd_evidence_gives_a_number(columns: dict[str, float]) -> None:
    odd = asked_of(PAIRS, **columns)
    alive = LEARNED.still_a_buyer(CURVES, odd)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert set(LEARNED.status(CURVES, odd, EVERY)) <= {"lapsed", "due", "overdue", "upcoming"}


def test_alone_and_in_a_batch_and_saved_it_stands_the_same() -> None:
    again = Standing.restore(LEARNED.arrays())
    assert again == LEARNED
    for place in range(0, len(PAIRS), 97):
        one = np.array([place], np.int32)
        alone = again.status(CURVES[one], PAIRS.rows(one), EVERY[:1])
        assert alone[0] == LEARNED.status(CURVES, PAIRS, EVERY)[place]
        sure = again.confidence(CURVES[one], PAIRS.rows(one), EVERY[:1])
        assert sure[0] == LEARNED.confidence(CURVES, PAIRS, EVERY)[place]

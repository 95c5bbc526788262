from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.arrays import Codes, Floats
from models.policies.hour_of_week import FittedHourOfWeek, HourOfWeek
from models.policies.rhythm import HOURS_OF_WEEK, Replies, Visits
from models.storage import load, save

CUSTOMERS, SEGMENTS = 400, 2
MORNING, EVENING = 9, 20


def _curve(peak: int, height: float = 8.0) -> Floats:
    """Shares of an hour of the week for somebody who is there around `peak` every day."""
    hour = np.arange(HOURS_OF_WEEK) % 24
    away = np.minimum((hour - peak) % 24, (peak - hour) % 24)
    curve = 1.0 + height * np.exp(-0.5 * (away / 1.5) ** 2)
    return np.asarray(curve / curve.sum(), np.float64)


def _drawn(rng: np.random.Generator, curves: Floats, visits: Codes, segments: Codes) -> Visits:
    """So many `visits` of each customer, at hours of their own `curves`."""
    customers = np.repeat(np.arange(len(visits), dtype=np.int32), visits)
    at = np.cumsum(curves, axis=1)[customers]
    hours = (rng.random(len(customers))[:, None] > at).sum(axis=1).astype(np.int32)
    return Visits(customers, np.minimum(hours, HOURS_OF_WEEK - 1), segments)


def _shop(seed: int) -> tuple[Visits, Codes]:
    """One segment is there in the morning, the other in the evening; one customer in ten the other way round."""
    rng = np.random.default_rng(seed)
    segments = (np.arange(CUSTOMERS) % SEGMENTS).astype(np.int32)
    odd = np.arange(CUSTOMERS) % 10 < 1
    late = (segments == 1) ^ odd
    curves = np.where(late[:, None], _curve(EVENING), _curve(MORNING))
    return _drawn(rng, curves, np.full(CUSTOMERS, 40, np.int32), segments), segments


@pytest.fixture(scope="module")
def fitted() -> FittedHourOfWeek:
    return HourOfWeek().fit(_shop(1)[0])


def _best(scores: Floats) -> Codes:
    """The hour of the day with the best score of each customer."""
    return np.asarray(scores.argmax(axis=1) % 24, np.int32)


def test_scores_are_log_ratios_to_the_average_hour(fitted: FittedHourOfWeek) -> None:
    visits, segments = _shop(1)
    scores = fitted.scores(visits.counts.toarray(), segments)
    assert scores.shape == (CUSTOMERS, HOURS_OF_WEEK)
    np.testing.assert_allclose(np.exp(scores).mean(axis=1), 1.0, rtol=1e-12)


def test_a_stranger_is_scored_as_their_segment_and_one_of_no_segment_as_the_shop(fitted: FittedHourOfWeek) -> None:
    nothing = np.zeros((4, HOURS_OF_WEEK))
    shares = fitted.shares(nothing, np.array([0, 1, -1, 99], np.int32))
    np.testing.assert_allclose(shares[:2], fitted.segments)
    np.testing.assert_allclose(shares[2:], [fitted.shop, fitted.shop])
    assert abs(int(shares[0].argmax()) % 24 - MORNING) <= 1
    assert abs(int(shares[1].argmax()) % 24 - EVENING) <= 1


def test_what_somebody_did_outweighs_the_segment_the_more_of_it_there_is(fitted: FittedHourOfWeek) -> None:
    evening = np.zeros((3, HOURS_OF_WEEK))
    evening[:, np.arange(7) * 24 + EVENING] = np.array([0.0, 1.0, 30.0])[:, None]
    at = fitted.shares(evening, np.zeros(3, np.int32))[:, EVENING]
    assert at[0] < at[1] < at[2]
    assert (_best(fitted.scores(evening[2:], np.zeros(1, np.int32))) <= EVENING).all()
    assert fitted.shares(evening[2:], np.zeros(1, np.int32)).argmax() % 24 == EVENING


def test_pooling_predicts_visits_to_come_better_than_the_shop_and_than_each_alone(fitted: FittedHourOfWeek) -> None:
    visits, segments = _shop(1)
    few = np.arange(0, len(visits.hours), 8)
    known = Visits(visits.customers[few], visits.hours[few], segments)
    model = HourOfWeek().fit(known)
    counts = known.counts.toarray()
    later = _shop(2)[0]  # the same customers, other visits

    def predicted(shares: Floats) -> float:
        return float(np.log(shares[later.customers, later.hours]).mean())

    alone = (counts @ model.smoothing + 1 / HOURS_OF_WEEK) / (counts.sum(axis=1, keepdims=True) + 1)
    pooled = predicted(model.shares(counts, segments))
    assert pooled > predicted(np.tile(model.shop, (CUSTOMERS, 1))) + 0.05
    assert pooled > predicted(alone) + 0.05
    assert pooled > predicted(model.segments[segments])


def test_where_all_are_alike_nobody_gets_hours_of_their_own() -> None:
    rng = np.random.default_rng(3)
    segments = np.zeros(300, np.int32)
    visits = _drawn(rng, np.tile(_curve(EVENING), (300, 1)), np.full(300, 20, np.int32), segments)
    model = HourOfWeek().fit(visits)
    scores = model.scores(visits.counts.toarray(), segments)
    assert np.abs(scores - scores.mean(axis=0)).mean() < 0.1
    assert model.weight > 100


def test_where_the_hour_does_nothing_no_hour_is_claimed_better() -> None:
    rng = np.random.default_rng(4)
    even = np.full((300, HOURS_OF_WEEK), 1 / HOURS_OF_WEEK)
    segments = np.zeros(300, np.int32)
    visits = _drawn(rng, even, np.full(300, 30, np.int32), segments)
    model = HourOfWeek().fit(visits, _replies(rng, even, rng.integers(0, HOURS_OF_WEEK, 6_000)))
    scores = model.scores(visits.counts.toarray(), segments)
    assert np.abs(scores).max() < 0.25
    assert np.abs(scores).mean() < 0.04


def _replies(
    rng: np.random.Generator,
    curves: Floats,
    hours: Floats | Codes,
    worth: Floats | None = None,
    half_life: float = 5.0,
    level: float = 0.05,
) -> Replies:
    """Messages at `hours`: in each hour after it, the reader answers if they are there and it has not faded."""
    customers = rng.integers(0, len(curves), len(hours)).astype(np.int32)
    hours = np.asarray(hours, np.int32)
    waits = np.full(len(hours), -1, np.int32)
    for wait in range(48):
        hour = (hours + wait) % HOURS_OF_WEEK
        hazard = level * 0.5 ** (wait / half_life) * HOURS_OF_WEEK * curves[customers, hour]
        hazard *= 1.0 if worth is None else worth[hour]
        waits[(waits < 0) & (rng.random(len(hours)) < hazard)] = wait
    followed = np.full(len(hours), 48, np.int32)
    return Replies(customers, hours, waits, followed, np.ones(len(hours), bool))


def test_how_messages_fade_is_learned_from_those_at_random_times() -> None:
    rng = np.random.default_rng(5)
    segments = np.zeros(300, np.int32)
    curves = np.tile(_curve(EVENING), (300, 1))
    visits = _drawn(rng, curves, np.full(300, 20, np.int32), segments)
    replies = _replies(rng, curves, rng.integers(0, HOURS_OF_WEEK, 20_000), half_life=5.0)
    faded = HourOfWeek(half_life_hours=24.0).fit(visits, replies).faded
    truth = 0.05 * 0.5 ** (np.arange(48) / 5.0)
    for hours in (2, 4, 8, 24):
        np.testing.assert_allclose(faded[:hours].sum(), truth[:hours].sum(), rtol=0.1)


def test_what_an_hour_is_worth_beyond_who_is_there_is_learned_from_random_times_only() -> None:
    rng = np.random.default_rng(6)
    segments = np.zeros(300, np.int32)
    even = np.full((300, HOURS_OF_WEEK), 1 / HOURS_OF_WEEK)
    visits = _drawn(rng, even, np.full(300, 20, np.int32), segments)
    worth = np.where(np.arange(HOURS_OF_WEEK) % 24 == EVENING, 4.0, 1.0)
    replies = _replies(rng, even, rng.integers(0, HOURS_OF_WEEK, 20_000), worth, half_life=2.0)
    nobody = np.zeros((1, HOURS_OF_WEEK))
    learned = HourOfWeek().fit(visits, replies)
    assert _best(learned.scores(nobody, np.zeros(1, np.int32)))[0] in (EVENING - 1, EVENING)
    chosen = HourOfWeek().fit(visits, replace(replies, randomised=np.zeros(20_000, bool)))
    np.testing.assert_array_equal(chosen.worth, np.ones(HOURS_OF_WEEK))


def test_the_hours_in_which_the_shop_used_to_write_are_not_taken_for_good_ones() -> None:
    """Most answers follow within hours of the sends: a count of answers by hour finds the sends and not the people."""
    rng = np.random.default_rng(7)
    segments = np.zeros(300, np.int32)
    curves = np.tile(_curve(EVENING, 3.0), (300, 1))
    visits = _drawn(rng, curves, np.full(300, 20, np.int32), segments)
    hours = rng.integers(0, 7, 20_000) * 24 + np.where(rng.random(20_000) < 0.9, MORNING, rng.integers(0, 24, 20_000))
    replies = _replies(rng, curves, hours, half_life=2.0)
    answered = replies.waits >= 0
    naive = np.bincount((replies.hours + replies.waits)[answered] % 24, minlength=24)
    assert abs(int(naive.argmax()) - MORNING) <= 1
    best = _best(HourOfWeek().fit(visits, replies).scores(np.zeros((1, HOURS_OF_WEEK)), np.zeros(1, np.int32)))[0]
    assert abs(int(best) - EVENING) <= 3


def test_the_order_of_customers_and_visits_changes_nothing(fitted: FittedHourOfWeek) -> None:
    visits, segments = _shop(1)
    rng = np.random.default_rng(8)
    renamed, order = rng.permutation(CUSTOMERS).astype(np.int32), rng.permutation(len(visits.hours))
    others = np.empty_like(segments)
    others[renamed] = segments
    again = HourOfWeek().fit(Visits(renamed[visits.customers][order], visits.hours[order], others))
    for name, array in fitted.arrays().items():
        np.testing.assert_allclose(again.arrays()[name], array, rtol=1e-6, err_msg=name)


def test_what_is_saved_comes_back_and_answers_the_same(fitted: FittedHourOfWeek, tmp_path: Path) -> None:
    save(HourOfWeek(), fitted, tmp_path)
    recipe, again = load(tmp_path)
    assert recipe == HourOfWeek()
    one = np.zeros(1, np.int32)
    counts = Visits(np.zeros(3, np.int32), np.array([5, 5, 100], np.int32), one).counts.toarray()
    np.testing.assert_array_equal(again.scores(counts, one), fitted.scores(counts, one))


def test_a_batch_answers_as_its_customers_one_by_one(fitted: FittedHourOfWeek) -> None:
    visits, segments = _shop(1)
    counts = visits.counts.toarray()
    together = fitted.scores(counts[:20], segments[:20])
    single = np.vstack([fitted.scores(counts[row : row + 1], segments[row : row + 1]) for row in range(20)])
    np.testing.assert_allclose(together, single, rtol=1e-12, atol=1e-12)


def test_no_visits_at_all_make_every_hour_alike() -> None:
    empty = np.empty(0, np.int32)
    model = HourOfWeek().fit(Visits(empty, empty, empty))
    scores = model.scores(np.zeros((2, HOURS_OF_WEEK)), np.array([-1, 0], np.int32))
    np.testing.assert_allclose(scores, 0.0, atol=1e-12)


def test_what_does_not_fit_together_is_refused() -> None:
    one, none = np.array([0], np.int32), np.empty(0, np.int32)
    with pytest.raises(ValueError, match="0, Monday's first, to 167"):
        Visits(one, np.array([168], np.int32), one)
    with pytest.raises(ValueError, match="none of the 0"):
        Visits(one, one, none)
    with pytest.raises(ValueError, match="1 customers of visits, and 0 hours"):
        Visits(one, none, one)
    with pytest.raises(ValueError, match="count from 0"):
        Visits(one, one, -one - 1)
    with pytest.raises(ValueError, match="followed must be longer"):
        Replies(one, one, one + 5, one + 5, one > 0)
    with pytest.raises(ValueError, match="different lengths"):
        Replies(one, one, none, one, one > 0)

"""What a made shop says of itself is what happens in it."""

from dataclasses import replace

import numpy as np
import pytest

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from models.policies.logged import LoggedDecisions
from training.simulator.customers import NAMES
from training.simulator.menu import Channel, Content, Delay, Menu
from training.simulator.optimum import fixed_value, optimum, sending
from training.simulator.world import World

WORLD = World(seed=3)
KNOWN, ELIGIBLE = WORLD.contexts(np.random.default_rng(1), 400)


def only(eligible: Eligible, row: int, times: int) -> Eligible:
    """Decisions that may take one action only."""
    rows = np.full(times, row)
    return Eligible(np.arange(times + 1), eligible.labels, eligible.codes[rows], eligible.numbers[rows])


def test_24_actions_and_silence() -> None:
    assert (ELIGIBLE.counts == 25).all()
    assert ELIGIBLE.silent[ELIGIBLE.starts[:-1]].all()
    assert ELIGIBLE.silent.sum() == len(ELIGIBLE)
    assert KNOWN.names == NAMES


def test_base_conversion_is_4_3_percent() -> None:
    silent = replace(WORLD, menu=Menu(channels=(Channel("email", 0.01, consent=0.0),)))
    known, eligible = silent.contexts(np.random.default_rng(2), 50_000)
    assert eligible.silent.all()
    fate = WORLD.draw(np.random.default_rng(3), known, eligible, eligible.starts[:-1])
    assert 0.041 < fate.bought.mean() < 0.045


@pytest.mark.parametrize(("decision", "action"), [(0, 0), (7, 1), (23, 8), (7, 24)])
def test_enumerated_values_are_the_means_of_long_simulations(decision: int, action: int) -> None:
    times = 40_000
    row = int(ELIGIBLE.starts[decision]) + action
    known, eligible = KNOWN.take(np.full(times, decision)), only(ELIGIBLE, row, times)
    fate = WORLD.draw(np.random.default_rng(action), known, eligible, np.arange(times))
    value = WORLD.values(KNOWN, ELIGIBLE)[row]
    error = fate.rewards.std() / np.sqrt(times)
    assert abs(fate.rewards.mean() - value) < 4 * error
    chance = WORLD.purchases(KNOWN, ELIGIBLE)[row]
    assert abs(fate.bought.mean() - chance) < 4 * np.sqrt(chance / times)


def test_reminders_within_the_hour_harm_and_those_of_the_next_day_help_more_so_for_big_dear_carts() -> None:
    plain = replace(WORLD, response=replace(WORLD.response, diversity=0.0, fatigue=0.0))
    known, eligible = plain.contexts(np.random.default_rng(4), 4_000)
    chances = plain.purchases(known, eligible)
    anyway = eligible.total(np.where(eligible.silent, chances, 0.0))

    def odds(delay: str) -> Floats:
        found = eligible.total(np.where(sending(eligible, ("email", delay, "reminder", "")), chances, 0.0))
        return np.log(found / (1 - found) * (1 - anyway) / anyway)

    worth = known.columns(["cart_value"])[:, 0]
    dear = worth > np.median(worth)
    assert odds("1h").mean() < 0 < odds("24h").mean()
    assert odds("1h")[dear].mean() < odds("1h")[~dear].mean()
    assert odds("24h")[dear].mean() > odds("24h")[~dear].mean()


def test_what_was_sent_lately_weakens_the_next_message_and_is_forgotten_by_half_in_15_days() -> None:
    def added(touches: float, days: float) -> float:
        row = dict(zip(KNOWN.names, KNOWN.values[0].tolist(), strict=True))
        known = Contexts.of([row | {"touches_30d": touches, "last_touch_days": days}])
        return float(WORLD.response.log_odds(3, known, ELIGIBLE.take(np.array([0])))[1])

    rested = added(0, np.nan)
    assert rested - added(4, 15.0) == pytest.approx((rested - added(4, 0.0)) / 2)
    assert added(4, 0.0) < added(2, 0.0) < rested


def test_more_touches_make_more_leave() -> None:
    one_more = [Contexts.of([{"touches_30d": count, "last_touch_days": 0.0}]) for count in (0.0, 1.0, 5.0)]
    leaving = [float(WORLD.departures.probabilities(known, 15.0)[0]) for known in one_more]
    assert leaving == sorted(leaving)
    assert leaving[0] < leaving[2]


def test_discounts_cannibalise() -> None:
    """With no effect of its own a discount costs its share of what is bought anyway."""
    still = replace(WORLD, response=replace(WORLD.response, dead=True))
    values = still.values(KNOWN, ELIGIBLE)
    with_, without = (
        values[sending(ELIGIBLE, ("email", "24h", "reminder", incentive))] for incentive in ("discount_10", "")
    )
    given = 0.1 * KNOWN.columns(["cart_value"])[:, 0]
    assert np.allclose(without - with_, still.organic.probabilities(KNOWN) * given)


def test_orders_that_messages_cause_come_after_them_and_within_the_window() -> None:
    after_two_days = Menu((Channel("email", 0.01),), (Delay("48h", 48.0),), (Content("reminder"),))
    known, eligible = replace(WORLD, menu=after_two_days).contexts(np.random.default_rng(5), 20_000)
    late = eligible.starts[:-1] + 1
    assert eligible.numbers[late, 0].min() == 48.0
    never = replace(WORLD, organic=replace(WORLD.organic, level=-60.0), response=replace(WORLD.response, harm=-60.0))
    fate = never.draw(np.random.default_rng(6), known, eligible, late)
    after = fate.bought_after[fate.bought]
    assert len(after) > 1_000
    assert after.min() >= 2.0
    assert after.max() <= 5.0
    assert (fate.known_after[fate.bought] > after).all()
    assert (fate.known_after[~fate.bought] >= 5.0).all()


def test_without_consent_nothing_may_be_sent() -> None:
    strict = World(menu=Menu(channels=(Channel("email", 0.01, consent=0.5), Channel("sms", 0.05, consent=0.0))))
    known, eligible = strict.contexts(np.random.default_rng(7), 500)
    assert set(eligible.counts.tolist()) == {1, 13}
    assert eligible.labels[0] == ("email", "sms")
    assert not (eligible.codes[:, 0] == 1).any()
    assert len(strict.values(known, eligible)) == len(eligible.codes)


def test_the_optimum_is_at_least_every_policy() -> None:
    found, values = optimum(WORLD, KNOWN, ELIGIBLE), WORLD.values(KNOWN, ELIGIBLE)
    assert found.best >= found.fixed > found.silence
    assert found.share(found.silence) == 0
    assert found.share(found.best) == pytest.approx(1)
    for label in ("1h", "48h"):
        assert fixed_value(ELIGIBLE, values, ("email", label, "reminder", "")) <= found.fixed
    weights = np.random.default_rng(8).gamma(0.1, size=len(values)) + 1e-12
    chances = weights / ELIGIBLE.total(weights)[ELIGIBLE.decisions]
    assert ELIGIBLE.total(chances * values).mean() <= found.best


def test_a_fixed_message_is_silence_for_whom_it_may_not_reach() -> None:
    empty = World(menu=Menu(channels=(Channel("email", 0.01, consent=0.0),)))
    known, eligible = empty.contexts(np.random.default_rng(9), 50)
    values = empty.values(known, eligible)
    assert fixed_value(eligible, values, ("email", "24h", "reminder", "")) == pytest.approx(values.mean())


def test_the_same_seed_gives_the_same_bytes() -> None:
    def drawn(seed: int) -> LoggedDecisions:
        rng = np.random.default_rng(seed)
        known, eligible = World(seed=3).contexts(rng, 300)
        fate = WORLD.draw(rng, known, eligible, eligible.starts[:-1] + 5)
        return LoggedDecisions.of(known, eligible, eligible.starts[:-1] + 5, np.full(300, 0.04), fate.rewards)

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert first.contexts.values.tobytes() == again.contexts.values.tobytes()
    assert first.rewards.tobytes() == again.rewards.tobytes()
    assert first.contexts.values.tobytes() != other.contexts.values.tobytes()


def test_worlds_differ_by_their_seed_and_turn_by_delay_alone() -> None:
    values, others = WORLD.values(KNOWN, ELIGIBLE), World(seed=4).values(KNOWN, ELIGIBLE)
    assert not np.allclose(values, others)
    turned = WORLD.turned()
    assert np.array_equal(turned.turned().values(KNOWN, ELIGIBLE), values)
    codes = ELIGIBLE.codes[:, FACTORS.index("delay")]
    early, day = (codes == ELIGIBLE.labels[FACTORS.index("delay")].index(name) for name in ("1h", "24h"))
    after = turned.values(KNOWN, ELIGIBLE)
    assert values[early].mean() < values[day].mean()
    assert after[early].mean() > after[day].mean()
    assert np.array_equal(after[ELIGIBLE.silent], values[ELIGIBLE.silent])

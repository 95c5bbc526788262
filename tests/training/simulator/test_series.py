"""Values of series by dynamic programming are what enumeration by hand and long simulations say."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.uniform import Uniform
from training.simulator.customers import contexts
from training.simulator.optimum import fixed_labels, sending
from training.simulator.series import STEPS, Series
from training.simulator.series_optimum import best, best_fixed, of_policy, silence, worth
from training.simulator.series_play import live

SERIES = Series.of(4)
CUSTOMERS = contexts(np.random.default_rng(1), 120)


def by_hand(customer: Contexts) -> tuple[float, float]:
    """Reward and messages of one customer who gets the best in each state, walking every path."""

    def walk(step: int, touches: int, engaged: bool, gone: bool) -> tuple[float, float]:
        if step > STEPS:
            return 0.0, 0.0
        eligible = SERIES.eligible(customer, step, np.array([gone]))
        chance = SERIES.chances(SERIES.at(customer, step, 0 if gone else touches, engaged), eligible)
        found = []
        for row in range(len(eligible.codes)):
            speaks = not eligible.silent[row]
            reward = chance.buys[row] * chance.earned[row] - chance.costs[row] - 8.0 * chance.leaves[row]
            count = float(speaks)
            for engages, leaves in product((False, True), repeat=2):
                p = (chance.engages[row] if engages else 1 - chance.engages[row]) if not engaged else float(not engages)
                p *= chance.leaves[row] if leaves else 1 - chance.leaves[row]
                if p:
                    later = walk(step + 1, touches + speaks, engaged or engages, gone or leaves)
                    reward += (1 - chance.buys[row]) * p * later[0]
                    count += (1 - chance.buys[row]) * p * later[1]
            found.append((reward, count))
        return max(found)

    return walk(1, 0, False, False)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps only, or the paths are too many."""
    for module in ("tests.training.simulator.test_series", "training.simulator.series_optimum"):
        monkeypatch.setattr(f"{module}.STEPS", 2)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_dynamic_programming_equals_brute_force(number: int) -> None:
    customer = CUSTOMERS.take(np.array([number]))
    exact = best(SERIES, customer)
    assert by_hand(customer) == pytest.approx((exact.reward, exact.messages))


def test_the_value_of_a_policy_is_that_of_a_long_simulation() -> None:
    policy = Uniform().fit()
    exact = of_policy(SERIES, CUSTOMERS, policy)
    lived = [live(SERIES, policy, CUSTOMERS, np.random.default_rng(seed)) for seed in range(25)]
    rewards, messages = (np.array([getattr(one, name) for one in lived]) for name in ("reward", "messages"))
    assert abs(rewards.mean() - exact.reward) < 4 * rewards.std() / np.sqrt(len(lived))
    assert abs(messages.mean() - exact.messages) < 4 * messages.std() / np.sqrt(len(lived))


def test_nothing_is_better_than_the_best_series() -> None:
    most = best(SERIES, CUSTOMERS).reward
    rng = np.random.default_rng(2)

    def anyhow(_: Contexts, eligible: Eligible, __: Floats) -> Floats:
        weights = rng.gamma(0.05, size=len(eligible.codes)) + 1e-9
        return weights / eligible.total(weights)[eligible.decisions]

    def nearly(_: Contexts, eligible: Eligible, rewards: Floats) -> Floats:
        return floored((rewards == eligible.most(rewards)[eligible.decisions]).astype(np.float64), eligible)

    assert worth(SERIES, CUSTOMERS, anyhow).reward < most
    assert silence(SERIES, CUSTOMERS).reward < worth(SERIES, CUSTOMERS, nearly).reward < most
    for messages in (1, 2, 3):
        assert best_fixed(SERIES, CUSTOMERS, messages)[0].reward < most


def test_the_best_fixed_series_is_the_best_of_all_tried_one_by_one() -> None:
    customers = CUSTOMERS.take(np.arange(40))
    found, named = best_fixed(SERIES, customers, 2)
    rewards = {}
    first, second = (sorted(fixed_labels(SERIES.eligible(customers, step)))[1:] for step in (1, 2))
    for series in [named, *product(first[::4], second[::4])]:
        rewards[series] = worth(SERIES, customers, partial(_sends, series))
    assert rewards[named].reward == pytest.approx(found.reward)
    assert rewards[named].messages == pytest.approx(found.messages)
    assert max(one.reward for one in rewards.values()) == pytest.approx(found.reward)


def _sends(series: tuple[tuple[str, ...], ...], known: Contexts, eligible: Eligible, _: Floats) -> Floats:
    step = int(known.columns(["step"])[0, 0])
    chosen = sending(eligible, series[step - 1]) if step <= len(series) else eligible.silent
    return chosen.astype(np.float64)


def test_who_bought_is_left_alone_and_who_left_hears_nothing() -> None:
    lived = live(SERIES, Uniform().fit(), contexts(np.random.default_rng(3), 3_000), np.random.default_rng(4), 50)
    log = lived.log
    assert set(np.unique(log.episodes)) == set(range(50, 3_050))
    for step in range(1, STEPS):
        before, after = log.episodes[log.steps == step], log.episodes[log.steps == step + 1]
        assert set(after) < set(before)
    single = log.eligible.counts == 1
    assert 0 < single.sum() < 300
    assert log.eligible.silent[log.chosen[single]].all()
    assert (log.steps[single] > 1).all()
    touches = log.contexts.columns(["episode_touches"])[:, 0]
    assert (touches < log.steps).all()
    assert touches.max() == STEPS - 1


def test_messages_wear_off_and_engagement_warms() -> None:
    eligible = SERIES.eligible(CUSTOMERS, 2)
    cold, warm, worn = (
        SERIES.chances(SERIES.at(CUSTOMERS, 2, touches, engaged), eligible).buys
        for touches, engaged in ((1, False), (1, True), (3, False))
    )
    spoken = ~eligible.silent
    assert (warm > cold).all()
    assert (worn[spoken] < cold[spoken]).all()
    assert np.array_equal(worn[~spoken], cold[~spoken])

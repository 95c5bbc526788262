"""Series: what is good now is not what is best in the end, and backward induction finds it."""

from dataclasses import replace

import numpy as np

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.factored import Factored
from models.policies.logged import LoggedDecisions
from models.policies.sequential import Sequential

SOFT: tuple[dict[str, str], dict[str, float]] = ({"channel": "email"}, {})
HARD: tuple[dict[str, str], dict[str, float]] = ({"channel": "sms"}, {})


def series(rng: np.random.Generator, episodes: int) -> LoggedDecisions:
    """Two steps decided by chance. A hard message earns .3 at once and spoils the second step, where a soft one earns
    1 if the first was soft too; silence earns .1 at any step."""
    first, second = rng.integers(0, 3, episodes), rng.integers(0, 3, episodes)
    worth = np.array([0.1, 0.0, 0.3])
    at_once = worth[first] + rng.normal(0, 0.3, episodes)
    after = np.where(second == 1, 1.0 * (first == 1), 0.1 * (second == 0)) + rng.normal(0, 0.3, episodes)
    n = 2 * episodes
    place = np.arange(n)
    step, taken = 1 + place % 2, np.stack([first, second], axis=1).ravel()
    spoiled = np.where(step == 2, (first != 1)[place // 2], 0.0)
    contexts = Contexts(("step", "spoiled"), np.column_stack([step, spoiled]))
    eligible = Eligible.of([[({}, {}), SOFT, HARD]] * n)
    ones = np.ones(n, bool)
    rewards = np.stack([at_once, after], axis=1).ravel()
    owner = place // 2
    chosen = eligible.starts[:-1] + taken
    return LoggedDecisions(
        contexts, eligible, chosen, np.full(n, 1 / 3), rewards, ones, owner, owner, step, place / 100
    )


def asked(step: int, spoiled: int) -> tuple[Contexts, Eligible]:
    return Contexts(("step", "spoiled"), np.array([[step, spoiled]])), Eligible.of([[({}, {}), SOFT, HARD]])


def test_the_first_message_is_the_one_that_the_second_needs() -> None:
    log = series(np.random.default_rng(1), 4_000)
    ahead, myopic = Sequential().fit(log), Factored().fit(log.take(log.steps == 1))
    assert ahead.probabilities(*asked(1, 0)).argmax() == 1
    assert myopic.probabilities(*asked(1, 0)).argmax() == 2
    assert ahead.probabilities(*asked(2, 0)).argmax() == 1


def test_it_goes_on_learning_with_an_eye_on_what_follows() -> None:
    rng = np.random.default_rng(2)
    policy = Sequential().fit()
    for _ in range(8):
        policy = policy.updated(series(rng, 500))
    assert policy.probabilities(*asked(1, 0)).argmax() == 1


def test_the_order_of_an_episode_in_the_log_does_not_matter() -> None:
    log = series(np.random.default_rng(3), 1_000)
    backwards = log.take(np.arange(len(log))[::-1])
    recipe = Sequential(Factored(memory=1e12, half_life_days=1e9))
    one, other = recipe.fit(log).values(*asked(1, 0)), recipe.fit(backwards).values(*asked(1, 0))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_with_one_step_in_the_log_every_step_is_the_myopic_one() -> None:
    log = series(np.random.default_rng(4), 3_000)
    first = log.take(log.steps == 1)
    policy, myopic = Sequential().fit(first), Factored().fit(first)
    for step in (1, 2, 3, 9):
        assert policy.probabilities(*asked(step, 0)).argmax() == myopic.probabilities(*asked(1, 0)).argmax() == 2


def test_a_step_that_was_seldom_met_leans_on_the_others() -> None:
    """A hard message earns .15 at any step; the second step has 600 decisions of noise and the first 3,000."""
    errors = []
    for seed in range(4):
        rng = np.random.default_rng([5, seed])
        n, first = 3_600, 3_000
        step, taken = np.where(np.arange(n) < first, 1, 2), rng.integers(0, 3, n)
        contexts = Contexts(("step", "spoiled"), np.column_stack([step, np.zeros(n)]).astype(np.float64))
        eligible = Eligible.of([[({}, {}), SOFT, HARD]] * n)
        rewards = 0.15 * (taken == 2) + rng.normal(0, 1.0, n)
        chosen, even = eligible.starts[:-1] + taken, np.full(n, 1 / 3)
        log = replace(LoggedDecisions.of(contexts, eligible, chosen, even, rewards, np.zeros(n)), steps=step)
        errors.append([abs(Sequential(shared=share).fit(log).values(*asked(2, 0))[2] - 0.15) for share in (0.0, 0.5)])
    alone, shared = np.mean(errors, axis=0)
    assert shared < 0.8 * alone

"""The organic model: what comes in whatever is done is taken off before a policy learns."""

import numpy as np
import pytest

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.factored import Factored
from models.policies.logged import LoggedDecisions
from models.policies.organic import Organic


def bought_anyway(n: int) -> LoggedDecisions:
    """Who is far from the middle buys for 10, whatever is said: no line through the contexts tells it."""
    rng = np.random.default_rng(1)
    contexts = Contexts(("x",), rng.normal(size=(n, 1)))
    eligible = Eligible.of([[({}, {}), ({"channel": "email"}, {})]]).take(np.zeros(n, np.int64))
    rewards = 10.0 * (np.abs(contexts.values[:, 0]) > 1) + rng.normal(0, 0.5, n)
    return LoggedDecisions.of(contexts, eligible, 2 * np.arange(n) + np.arange(n) % 2, np.full(n, 0.5), rewards)


def test_what_was_planted_is_found_and_noise_is_left() -> None:
    log = bought_anyway(4_000)
    fitted = Factored().fit(log)
    expected = fitted.organic.expected(Contexts(("x",), np.array([[-2.0], [0.0], [2.0]])))
    assert expected == pytest.approx([10.0, 0.0, 10.0], abs=1.0)
    assert fitted.advantages.spread < 0.4 * log.rewards.std(), "the policy learned from what is left"


def test_few_decisions_teach_nothing() -> None:
    log = bought_anyway(4 * Organic().smallest_leaf - 1)
    fitted = Organic().fit(log.contexts, log.rewards, np.ones(len(log)))
    assert (fitted.expected(log.contexts) == 0).all()

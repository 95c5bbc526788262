"""Logged decisions: some of them are still themselves, and a log that cannot be is refused."""

from dataclasses import replace

import numpy as np
import pytest

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions


def _log(n: int = 5) -> LoggedDecisions:
    eligible = Eligible.of([[({}, {}), *[({"channel": f"c{k}"}, {"cost": k}) for k in range(i % 3)]] for i in range(n)])
    chosen = eligible.starts[1:] - 1
    contexts = Contexts.of([{"x": float(i)} for i in range(n)])
    return LoggedDecisions.of(contexts, eligible, chosen, np.full(n, 0.5), np.arange(n, dtype=float))


@pytest.mark.parametrize("wanted", [np.array([3, 0]), np.array([False, True, False, True, True])])
def test_taken_decisions_keep_their_actions_and_rewards(wanted):
    log = _log()
    taken = log.take(wanted)
    numbers = np.flatnonzero(wanted) if wanted.dtype == bool else wanted
    assert taken.rewards.tolist() == log.rewards[numbers].tolist()
    assert taken.contexts.values[:, 0].tolist() == numbers.tolist()
    assert taken.eligible.numbers[taken.chosen].tolist() == log.eligible.numbers[log.chosen[numbers]].tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"chosen": np.array([1, 1, 3, 6, 7])},
        {"propensities": np.array([0.5, 0.0, 0.5, 0.5, 0.5])},
        {"propensities": np.array([0.5, 1.1, 0.5, 0.5, 0.5])},
        {"rewards": np.array([0.0, np.nan, 0.0, 0.0, 0.0])},
        {"at": np.zeros(4)},
    ],
)
def test_a_log_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match=r"not eligible|propensities|finite|lengths"):
        replace(_log(), **change)

"""What a live service's decisions were worth, read from the decision log, is what the made shop says of them."""

from pathlib import Path

import numpy as np
import pytest

from models.policies.contexts import Contexts
from training.policy.journal import Journal, gathered
from training.simulator.customers import NAMES
from training.simulator.optimum import silence_values
from training.simulator.regret import Regret, regret
from training.simulator.reported import POINT, reported
from training.simulator.world import World

WORLD = World(2)


def decided(count: int) -> tuple[Contexts, Journal]:
    logs = reported(WORLD, np.random.default_rng(1), count).logs
    _, found = gathered(logs.decisions, [POINT], logs.identities.table())
    return Contexts(NAMES, found.contexts.columns(NAMES)), found


def test_regret_of_a_random_arm_is_that_of_what_it_took() -> None:
    known, found = decided(80)
    told = regret(WORLD, [known], [found])
    truth = WORLD.values(known, found.eligible)
    assert told.values == pytest.approx(truth[found.chosen])
    assert told.best == pytest.approx(found.eligible.most(truth))
    assert told.silent == pytest.approx(silence_values(found.eligible, truth))
    assert told.share("random") == pytest.approx((told.values - told.silent).sum() / (told.best - told.silent).sum())
    assert told.share("policy") is None


def test_shares_by_arm_and_by_quarter(tmp_path: Path) -> None:
    arms = np.array(["policy", "holdout"] * 8, object)
    values = np.where(arms == "policy", np.linspace(0, 1, 16), 0.0)
    one = Regret(arms, values, np.zeros(16), np.ones(16))
    told = one.told()
    assert told["share_of_lift_by_arm"]["holdout"] == 0
    assert told["share_of_lift_by_arm"]["policy"] == pytest.approx(values[::2].mean())
    quarters = told["share_of_lift_by_quarter"]
    assert quarters == sorted(quarters)
    assert np.mean(quarters) == pytest.approx(values[::2].mean())
    assert told["regret_a_decision"] == pytest.approx(1 - values.mean())
    one.plot(tmp_path / "regret.png")
    assert (tmp_path / "regret.png").read_bytes().startswith(b"\x89PNG")

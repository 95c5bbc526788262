"""Each trap has the property that it claims."""

import numpy as np
import pytest

from models.off_policy.diagnostics import calibration
from models.policies.base import choose
from models.policies.logged import LoggedDecisions
from models.policies.rule import Message, Rule
from training.policy.dataset import history
from training.simulator.optimum import optimum
from training.simulator.play import Setting, play
from training.simulator.reported import POINT, Disorder, reported
from training.simulator.traps import alike, all_organic, harmful, last_click, misreported, turning
from training.simulator.world import World

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_all_are_alike_a_message_does_the_same_to_everybody(seed: int) -> None:
    world = alike(seed)
    known, eligible = world.contexts(np.random.default_rng(1), 3_000)
    added = eligible.padded(world.response.log_odds(seed, known, eligible))
    assert np.ptp(added, axis=0).max() < 1e-12
    found = optimum(world, known, eligible)
    assert found.best < 1.02 * found.fixed
    assert np.ptp(eligible.padded(World(seed).response.log_odds(seed, known, eligible)), axis=0)[1:].min() > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_where_messages_harm_silence_is_best_for_nearly_all(seed: int) -> None:
    world = harmful(seed)
    known, eligible = world.contexts(np.random.default_rng(1), 3_000)
    values = world.values(known, eligible)
    silent = eligible.total(np.where(eligible.silent, values, 0.0))
    assert (silent == eligible.most(values)).mean() > 0.8
    assert optimum(world, known, eligible).fixed < silent.mean()


def test_where_all_is_organic_messages_cost_and_last_click_claims_a_lift() -> None:
    world = all_organic(1)
    known, eligible = world.contexts(np.random.default_rng(1), 3_000)
    chances = eligible.padded(world.purchases(known, eligible))
    assert np.ptp(chances, axis=1).max() < 1e-12
    values = world.values(known, eligible)
    assert (eligible.total(np.where(eligible.silent, values, 0.0)) == eligible.most(values)).all()
    game = play(Rule((Message("email", "6h", "reminder"),)), [world], 1, Setting(decisions=20_000, batch=2_500))
    assert game.values.mean() < game.silent.mean()
    assert last_click(game.log, game.fate.bought_after) > 0.3 * game.log.rewards.mean() > 0


def test_early_and_late_change_places() -> None:
    before, after = turning(1)
    known, eligible = before.contexts(np.random.default_rng(1), 3_000)
    first, second = (optimum(world, known, eligible) for world in (before, after))
    assert first.message[1] in {"24h", "48h"}
    assert second.message[1] in {"1h", "6h"}
    assert first.best == pytest.approx(second.best, rel=0.2)


def test_misreported_propensities_do_not_match_the_choices_and_right_ones_do() -> None:
    world, rng = World(1), np.random.default_rng(2)
    known, eligible = world.contexts(rng, 5_000)
    weights = rng.gamma(0.5, size=len(eligible.codes)) + 0.05
    logging = weights / eligible.total(weights)[eligible.decisions]
    choice = choose(logging, eligible, rng.random(5_000))
    log = LoggedDecisions.of(known, eligible, choice.rows, choice.propensities, np.zeros(5_000))
    told = misreported(eligible, logging)
    assert np.allclose(eligible.total(told), 1)
    assert calibration(log, told).pvalue < 1e-6
    assert calibration(log, logging).pvalue > 0.01


@pytest.mark.parametrize("disorder", [Disorder(0, 0, 0), Disorder(0.5, 0.5, 0.2), Disorder(1, 1, 0)])
def test_news_in_disorder_counts_once_and_nothing_is_lost(disorder: Disorder) -> None:
    told = reported(World(1), np.random.default_rng(3), 250, disorder)
    known = history(told.logs, [POINT], told.over)
    log, ids = known.log(known.teaches), known.journal.decision_ids[known.teaches]
    assert set(ids) == set(told.truth)
    assert log.rewards == pytest.approx([told.truth[id_] for id_ in ids], abs=1e-9)
    assert log.matured.all()
    assert (log.rewards > 1).sum() > 3
    assert (len(ids) == 250) == (disorder.missing == 0)

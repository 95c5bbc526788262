"""A game is fair: the same luck for all, no news before its time, and shares that mean what they say."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions
from models.policies.rule import Message, Rule, certain, picked
from models.policies.uniform import Uniform
from training.simulator.optimum import fixed_value
from training.simulator.play import Played, Setting, play
from training.simulator.retelling import imputed
from training.simulator.traps import turning
from training.simulator.world import World

WORLD = World(seed=5)
SHORT = Setting(decisions=2_000, late=500, batch=250, refits=())
DAY = Rule((Message("email", "24h", "reminder"),))


@dataclass(frozen=True)
class Clairvoyant:
    """Takes the best action, or of two worlds that of `world`."""

    name: ClassVar[str] = "clairvoyant"
    world: World

    def fit(self, log: LoggedDecisions | None = None) -> "Clairvoyant":
        return self

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        values = self.world.values(contexts, eligible)
        return (values == eligible.most(values)[eligible.decisions]).astype(np.float64)

    def updated(self, log: LoggedDecisions) -> "Clairvoyant":
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "Clairvoyant":
        return self


@dataclass(frozen=True)
class Counting:
    """Chance, that notes how many decisions it knew whenever it was asked, and how."""

    name: ClassVar[str] = "counting"
    known: int = 0
    asked: list[int] = field(default_factory=list)
    refitted: list[int] = field(default_factory=list)
    open_: list[int] = field(default_factory=list)

    def fit(self, log: LoggedDecisions | None = None) -> "Counting":
        if log is not None:
            self.refitted.append(len(log))
        return replace(self, known=0 if log is None else len(log))

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        self.asked.append(self.known)
        return np.asarray(1.0 / np.repeat(eligible.counts, eligible.counts))

    def updated(self, log: LoggedDecisions) -> "Counting":
        if not log.matured.all():
            self.open_.append(len(log))
        return replace(self, known=self.known + len(log))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> "Counting":
        return self


def test_silence_earns_nothing_and_foresight_everything() -> None:
    assert play(Rule(), [WORLD], 1, SHORT).share() == 0
    best = play(Clairvoyant(WORLD), [WORLD], 1, SHORT)
    assert best.share() == pytest.approx(1)
    assert play(Uniform(), [WORLD], 1, SHORT).share() < play(DAY, [WORLD], 1, SHORT).share() < 1
    assert best.windows(500).tolist() == pytest.approx([1.0] * 4)
    assert best.last_quarter == pytest.approx(1)


def test_a_rule_earns_its_fixed_value() -> None:
    game = play(DAY, [WORLD], 2, SHORT)
    values = WORLD.values(game.log.contexts, game.log.eligible)
    assert game.values.mean() == pytest.approx(fixed_value(game.log.eligible, values, ("email", "24h", "reminder", "")))
    assert game.sent.all()
    taken = certain(picked(DAY.series, game.log.contexts, game.log.eligible), game.log.eligible)
    assert (taken[game.log.chosen] == 1).all()


def test_all_meet_the_same_customers_and_the_same_seed_the_same_bytes() -> None:
    one, again, other = (play(Uniform(), [WORLD], seed, SHORT) for seed in (3, 3, 4))
    rule = play(DAY, [WORLD], 3, SHORT)
    assert one.log.contexts.values.tobytes() == rule.log.contexts.values.tobytes()
    assert one.log.rewards.tobytes() == again.log.rewards.tobytes()
    assert one.log.contexts.values.tobytes() != other.log.contexts.values.tobytes()


def test_no_reward_is_told_before_its_time() -> None:
    policy = Counting()
    play(policy, [WORLD], 1, SHORT)
    assert policy.asked == [0, 0, 0, 250, 500, 750, 1_000, 1_250]
    assert not policy.open_


def test_refits_see_everything_known_and_nothing_twice() -> None:
    policy = Counting()
    play(policy, [WORLD], 1, replace(SHORT, refits=(400, 1_000)))
    assert policy.refitted == [500, 1_000]
    assert policy.asked == [0, 0, 0, 250, 500, 750, 1_000, 1_250]


def test_open_windows_are_told_anew_on_top_of_what_is_certain_and_kept_until_then() -> None:
    policy = Counting()
    play(policy, [WORLD], 1, replace(SHORT, retold=imputed, retell=2))
    assert policy.open_ == [500, 500, 500]  # those of two batches whose reward is known are not told again
    assert policy.asked == [0, 0, 500, 500, 1_000, 1_000, 1_500, 1_500]


def test_what_is_told_of_open_windows_is_right_on_average_and_never_a_zero_for_want_of_news() -> None:
    game = play(Uniform(), [WORLD], 6, Setting(decisions=15_000, late=0, refits=()))
    age = np.minimum(np.random.default_rng(1).random(15_000) * 1.25, 1.0)
    told = imputed(game.log, game.fate, age)
    assert np.array_equal(told.matured, age == 1)
    error = (told.rewards - game.log.rewards).std() / np.sqrt(15_000)
    assert abs(told.rewards.mean() - game.log.rewards.mean()) < 4 * error
    waiting = ~game.fate.bought & (age < 0.4) & ~game.fate.unsubscribed & game.sent
    assert (told.rewards[waiting] > game.log.rewards[waiting]).all()
    seen = game.fate.bought & (game.fate.bought_after < age * 5)
    assert np.array_equal(told.rewards[seen], game.log.rewards[seen])


def test_the_future_does_not_leak_into_what_is_told() -> None:
    game = play(Uniform(), [WORLD], 6, SHORT)
    age = np.where(np.arange(2_000) < 1_000, 1.0, 0.3)
    hidden = game.fate.bought & (game.fate.bought_after > 0.3 * 5) & (age < 1)
    assert hidden.sum() > 10
    worth = np.where(hidden, 10 * game.fate.rewards, game.fate.rewards)
    other = imputed(game.log, replace(game.fate, rewards=worth), age)
    assert np.array_equal(other.rewards, imputed(game.log, game.fate, age).rewards)


def test_worlds_follow_each_other_in_equal_parts() -> None:
    before, after = turning(5)

    def halves(game: Played) -> tuple[float, float]:
        return game.share(0, 1_000), game.share(1_000)

    first, second = (halves(play(Clairvoyant(world), [before, after], 1, SHORT)) for world in (before, after))
    assert first[0] == pytest.approx(1) == second[1]
    assert first[1] < 0.6 > second[0]

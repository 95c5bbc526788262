"""Any policy in a made shop: it decides, news comes late, it learns; what it earned beside what could be earned.

Every policy meets the same customers with the same luck: they follow from the population's seed and the batch alone.
Shares are of expected rewards under the policy's probabilities, so that the luck of single orders is not in them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask
from models.policies.base import FittedPolicy, Policy, choose
from models.policies.logged import LoggedDecisions
from training.simulator.logs import joined
from training.simulator.optimum import silence_values
from training.simulator.world import Drawn, World

A_DAY = 400
"""Decisions a day: with rewards known after 2,000, the window of five days."""

Retold = Callable[[LoggedDecisions, Drawn, Floats], LoggedDecisions]
"""What is known of decisions at some moment: given them, what will come of them, and which share of the window is over
for each (n), where 1 is a closed one."""


@dataclass(frozen=True)
class Setting:
    """How a game goes: `late` is after how many further decisions a reward is known, `batch` how often news is read.

    The recipe is fitted anew on everything known as soon as that is as many decisions as `refits` says, as a nightly
    training would; between, the policy is updated.
    With `retold`, decisions whose window is open are learned of too: every `retell` batches anew, on top of what is
    certain by then, as each run of `learn` does. Between, the policy stays what it was.
    """

    decisions: int = 40_000
    late: int = 2_000
    batch: int = 250
    refits: tuple[int, ...] = ()
    retold: Retold | None = None
    retell: int = 8


@dataclass(frozen=True)
class Played:
    """Of each decision (n): the expected reward under the policy, of silence, and of the best action; whether a message
    was sent. `log` is what the policy could learn from in the end, with every reward, `fate` what came of each choice,
    and `policy` what it became."""

    values: Floats
    silent: Floats
    best: Floats
    sent: Mask
    cpu_seconds: float
    log: LoggedDecisions
    fate: Drawn
    policy: FittedPolicy

    def share(self, first: int = 0, last: int | None = None) -> float:
        """The share of the attainable lift over the decisions from `first` to `last`."""
        part = slice(first, last)
        lift = (self.values[part] - self.silent[part]).sum()
        return float(lift / (self.best[part] - self.silent[part]).sum())

    @property
    def last_quarter(self) -> float:
        """The share over the last quarter."""
        return self.share(len(self.values) * 3 // 4)

    def windows(self, width: int, first: int = 0) -> Floats:
        """The share over each `width` decisions from `first` on."""
        return np.array([self.share(start, start + width) for start in range(first, len(self.values), width)])

    @property
    def speed(self) -> float:
        """Decisions made, and learned from, in a CPU-second."""
        return len(self.values) / self.cpu_seconds


def play(recipe: Policy, worlds: Sequence[World], population: int, setting: Setting | None = None) -> Played:
    """Let the policy of `recipe` decide for the customers of `population`.

    The `worlds` follow each other in equal parts.
    """
    game = setting or Setting()
    began = time.process_time()
    learned = acting = recipe.fit()
    spent, known, refits = time.process_time() - began, 0, list(game.refits)
    logs: list[LoggedDecisions] = []
    fates: list[Drawn] = []
    values, silent, best = (np.empty(game.decisions) for _ in range(3))
    for number, start in enumerate(range(0, game.decisions, game.batch)):
        world = worlds[start * len(worlds) // game.decisions]
        rng = np.random.default_rng([population, number])
        contexts, eligible = world.contexts(rng, min(game.batch, game.decisions - start))
        part = slice(start, start + len(contexts))
        began = time.process_time()
        while (known + 1) * game.batch + game.late <= start:
            known += 1
            if refits and known * game.batch >= refits[0]:
                learned = recipe.fit(joined(logs[:known]))
                refits.pop(0)
            else:
                learned = learned.updated(logs[known - 1])
        if game.retold is None or known == number:
            acting = learned
        elif number % game.retell == 0:
            earlier = max(0, known - game.late // game.batch)  # closed windows teach the law of delays
            told = game.retold(joined(logs[earlier:]), _together(fates[earlier:]), _ages(earlier, number, game))
            acting = learned.updated(told.take(np.arange((known - earlier) * game.batch, len(told))))
        chances = acting.probabilities(contexts, eligible)
        choice = choose(chances, eligible, rng.random(len(contexts)))
        spent += time.process_time() - began
        truth = world.values(contexts, eligible)
        values[part] = eligible.total(chances * truth)
        silent[part], best[part] = silence_values(eligible, truth), eligible.most(truth)
        fates.append(world.draw(rng, contexts, eligible, choice.rows))
        numbers = np.arange(part.start, part.stop, dtype=np.int64)
        ones = np.ones(len(numbers), np.int64)
        matured, rewards = ones.astype(bool), fates[-1].rewards
        logs.append(
            LoggedDecisions(
                contexts,
                eligible,
                choice.rows,
                choice.propensities,
                rewards,
                matured,
                numbers,
                numbers,
                ones,
                numbers / A_DAY,
            )
        )
    log = joined(logs)
    return Played(values, silent, best, ~log.eligible.silent[log.chosen], spent, log, _together(fates), learned)


def _ages(first: int, last: int, game: Setting) -> Floats:
    """The share of its window that is over for each decision of the batches from `first` to before `last`."""
    numbers = np.arange(first * game.batch, last * game.batch)
    return np.minimum((last * game.batch - numbers) / max(game.late, 1), 1.0)


def _together(fates: Sequence[Drawn]) -> Drawn:
    return Drawn(*(np.concatenate(parts) for parts in zip(*(each.columns for each in fates), strict=True)))

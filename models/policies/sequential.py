"""A series decided message by message, each with an eye on what the next ones can still do.

Backward induction on the log (fitted Q iteration; Ernst, Geurts and Wehenkel, JMLR 2005): what a decision is worth is
its own reward and the value of the best decision after it. A maximum over estimates flatters itself, so the best next
action is chosen by a model of one half of the customers and valued by one of the other half (van Hasselt, "Double
Q-learning", NeurIPS 2010). After each message one decides again with what is known then; no plan is kept.

A decision's own reward is what came in until the next decision of its episode, or until its window closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.advantages import Advantages
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts
from models.policies.factored import Factored
from models.policies.logged import LoggedDecisions
from models.policies.rule import STEP


@dataclass(frozen=True)
class FittedSequential:
    """`stages` say what is known of the first decision of an episode, of the second, and so on; the last of all later.

    A stage with less evidence than the recipe's `least` answers by the closest one before it that has more.
    """

    recipe: "Sequential"
    stages: tuple[Advantages, ...]
    name: str = "sequential"

    def values(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The expected advantage of each row over silence, with all that may follow, in deviations of the rewards."""
        found = np.zeros(len(eligible.codes))
        answering = self._answering(contexts)
        for stage in np.unique(answering):
            here = np.flatnonzero(answering == stage)
            rows = (answering == stage)[eligible.decisions]
            found[rows] = self.stages[stage].values(contexts.take(here), eligible.take(here), ())
        return found

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """As `each` tries values, as sharp as each stage's evidence allows."""
        known = np.array([stage.weight for stage in self.stages])[self._answering(contexts)]
        return self.recipe.each.tried(self.values(contexts, eligible), known, contexts, eligible)

    def _answering(self, contexts: Contexts) -> Starts:
        """The stage that answers each decision."""
        steps = np.nan_to_num(contexts.columns([STEP])[:, 0], nan=1.0).astype(np.int64)
        return _standing(self.stages, self.recipe.least)[_stage(steps, len(self.stages))]

    def updated(self, log: LoggedDecisions) -> "FittedSequential":
        """After `log` too, valuing what follows by what was known before. An episode has to come in one log: what
        follows a decision is not known from another one."""
        if not len(log):
            return self
        stages, target = list(self.stages), log.rewards.copy()
        of_step, following = _stage(log.steps, len(stages)), _following(log)
        for stage in reversed(range(len(stages))):
            mine = of_step == stage
            if mine.any():
                target[mine] += self.recipe.after(log, following[mine], stages, stages)
                stages[stage] = self.recipe.learned(stages[stage], log.take(mine), target[mine])
        return replace(self, stages=self.recipe.shared_among(stages, log, target))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those of each stage, numbered."""
        numbered = enumerate(self.stages)
        return {f"{name}_{number}": array for number, stage in numbered for name, array in stage.arrays().items()}


@dataclass(frozen=True)
class Sequential:
    """The recipe: up to `steps` decisions an episode, each learned and chosen as `each` says.

    A decision counts `shared` of one at the other steps too, as most of what a message does it does at any of them, and
    what the steps differ in the contexts tell. A step needs `least` decisions (after fading) to be answered by what was
    learned for it. So a log that holds one step makes it the myopic policy at all of them. The organic model of `each`
    is not used.
    """

    name: ClassVar[str] = "sequential"
    each: Factored = field(default_factory=Factored)
    steps: int = 4
    least: float = 500.0
    shared: float = 0.5

    def fit(self, log: LoggedDecisions | None = None) -> FittedSequential:
        """The shop's rule, or what `log` teaches from the last step back to the first."""
        unknowing = (Advantages.unknowing(self.each.prior),) * self.steps
        if log is None or not len(log):
            return FittedSequential(self, unknowing)
        half = log.customers % 2 == 0
        of_step, following = _stage(log.steps, self.steps), _following(log)
        whole, one, other = list(unknowing), list(unknowing), list(unknowing)
        target = log.rewards.copy()
        for stage in reversed(range(self.steps)):
            mine = of_step == stage
            for part, chooser, judge in ((mine & half, one, other), (mine & ~half, other, one)):
                target[part] += self.after(log, following[part], chooser, judge)
            for models, part in ((one, mine & half), (other, mine & ~half), (whole, mine)):
                if part.any():
                    models[stage] = self.learned(models[stage], log.take(part), target[part])
        return FittedSequential(self, self.shared_among(whole, log, target))

    def shared_among(
        self, stages: Sequence[Advantages], log: LoggedDecisions, target: Floats
    ) -> tuple[Advantages, ...]:
        """The stages, each having learned its own part of `log`, with what the decisions of the others tell them."""
        if not self.shared:
            return tuple(stages)
        of_step, found = _stage(log.steps, len(stages)), []
        for number, stage in enumerate(stages):
            other = of_step != number
            found.append(self.learned(stage, log.take(other), target[other], self.shared) if other.any() else stage)
        return tuple(found)

    def after(
        self, log: LoggedDecisions, following: Starts, chooser: Sequence[Advantages], judge: Sequence[Advantages]
    ) -> Floats:
        """What comes after some decisions, of which `following` are the next ones of their episodes, -1 for none: the
        worth, as `judge` sees it, of the actions that `chooser` would take there."""
        found = np.zeros(len(following))
        some = np.flatnonzero(following >= 0)
        answering = _standing(judge, self.least)[_stage(log.steps[following[some]], self.steps)]
        for stage in np.unique(answering):
            here = some[answering == stage]
            contexts, eligible = log.contexts.take(following[here]), log.eligible.take(following[here])
            liked = chooser[stage].values(contexts, eligible, ())
            best = eligible.first(liked == eligible.most(liked)[eligible.decisions])
            advantage = judge[stage].values(contexts, eligible, ())[best] * judge[stage].spread
            found[here] = judge[stage].baseline(contexts) + advantage
        return found

    def learned(self, known: Advantages, log: LoggedDecisions, rewards: Floats, share: float = 1.0) -> Advantages:
        """What is `known` of a step, and what the decisions in `log` add, worth `rewards` with all that followed and
        counted as a `share` of one each."""
        each = self.each
        weights = share * np.where(log.matured, 1.0, each.immature)
        more = known.learned(log, rewards, weights, (), each.memory, each.half_life_days)
        return more.solved(each.prior)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedSequential:
        """The policy again."""
        stages = (_numbered(arrays, number) for number in range(self.steps))
        return FittedSequential(self, tuple(Advantages.restored(stage) for stage in stages))


def _stage(steps: Starts, stages: int) -> Starts:
    """The place among `stages` of steps that count from 1."""
    return np.clip(steps - 1, 0, stages - 1)


def _standing(stages: Sequence[Advantages], least: float) -> Starts:
    """Which stage answers for each: itself, or the closest before it with enough evidence; the first if none has."""
    places = np.where([stage.weight >= least for stage in stages], np.arange(len(stages)), 0)
    standing: Starts = np.maximum.accumulate(places)
    return standing


def _following(log: LoggedDecisions) -> Starts:
    """The number of the next decision of the same episode, -1 where there is none."""
    order = np.lexsort((log.steps, log.episodes))
    found = np.full(len(log), -1, np.int64)
    same = log.episodes[order[1:]] == log.episodes[order[:-1]]
    found[order[:-1][same]] = order[1:][same]
    return found


def _numbered(arrays: dict[str, NDArray[Any]], number: int) -> dict[str, NDArray[Any]]:
    mine = f"_{number}"
    return {name.removesuffix(mine): array for name, array in arrays.items() if name.endswith(mine)}

"""What a reward model sees of a decision and its actions: a context's own columns, and an action's, crossed on demand.

It also sees how much the policy that is asked about likes each action. That costs two coefficients and is worth most of
the rest: shrunk coefficients say too little of actions that are good and seldom taken, which are those that a good
policy likes, and the value of the policy is just what a model that shrinks gets wrong.

Silence has no columns of its own, so that what the context alone explains, the organic part, is learned from all
decisions, and what an action adds is an advantage over silence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from models.policies.logged import LoggedDecisions

CROSSED = ("channel", "delay", "argument", "incentive")
PAIRS = (("channel", "delay"), ("channel", "hour"), ("channel", "incentive"), ("argument", "incentive"))
_BENDS = (0.33, 0.67)
LIKED = 2
"""How many columns say how much the policy likes an action."""

_FEWEST = 30
"""A label, or a pair of them, that was taken less often than this says nothing yet and gets no column."""


@dataclass(frozen=True)
class ContextColumns:
    """Standardised contexts, bent at some of their quantiles; what is not known is the mean, and says so.

    `straight` (decisions, k) is crossed with actions, `bent` (decisions, m) is for the organic part.
    """

    straight: Floats
    bent: Floats

    @classmethod
    def of(cls, contexts: Contexts, outcomes: Floats, crossed: int) -> "ContextColumns":
        """`crossed` contexts, those that go with the outcome most, are crossed with actions."""
        known = contexts.values
        missing = np.isnan(known)
        filled = np.where(missing, _means(known, missing), known)
        spread = filled.std(axis=0)
        alive = spread > 1e-9
        standard = (filled[:, alive] - filled[:, alive].mean(axis=0)) / spread[alive]
        standard = np.clip(standard, -5, 5)
        unknown = missing[:, alive & missing.any(axis=0)].astype(np.float64)
        bends = np.quantile(standard, _BENDS, axis=0) if standard.size else np.zeros((len(_BENDS), 0))
        hinges = [np.maximum(standard - bend, 0.0) for bend in bends]
        bent = np.column_stack([standard, *hinges, unknown])
        strength = np.abs(standard.T @ (outcomes - outcomes.mean()))
        most = np.sort(np.argsort(-strength, kind="stable")[:crossed])
        ones = np.ones((len(contexts), 1))
        return cls(np.column_stack([ones, standard[:, most]]), np.column_stack([ones, _distinct(bent)]))


def _means(values: Floats, missing: Mask) -> Floats:
    counts = (~missing).sum(axis=0)
    means: Floats = np.where(missing, 0.0, values).sum(axis=0) / np.maximum(counts, 1)
    return means


def _distinct(columns: Floats) -> Floats:
    """The columns that differ from a constant, on the scale of 1."""
    spread = columns.std(axis=0)
    alive = spread > 1e-6
    scaled: Floats = (columns[:, alive] - columns[:, alive].mean(axis=0)) / spread[alive]
    return scaled


@dataclass(frozen=True)
class ActionColumns:
    """Actions with the same labels are of one kind: `kinds` (rows) says which.

    `single` (kinds, g) has a column a label of each factor that is crossed with contexts, `joint` (kinds, h) one a
    label of the others and a pair of labels, `numbers` (rows, m) what differs within a kind.
    """

    kinds: NDArray[np.int64]
    single: Floats
    joint: Floats
    numbers: Floats

    @classmethod
    def of(cls, eligible: Eligible, chosen: NDArray[np.int64], target: Floats) -> "ActionColumns":
        """The columns of all rows; which there are follows from the rows that were `chosen`."""
        sizes = [len(known) + 1 for known in eligible.labels]
        numbered = np.ravel_multi_index(tuple(eligible.codes.T + 1), sizes)
        _, first, kinds = np.unique(numbered, return_index=True, return_inverse=True)
        codes, taken = eligible.codes[first], kinds[chosen]
        places = {name: place for place, name in enumerate(FACTORS)}
        single = [_one_hot(codes[:, [places[name]]], taken) for name in CROSSED]
        rest = [(name,) for name in FACTORS if name not in CROSSED]
        joint = [_one_hot(codes[:, [places[name] for name in names]], taken) for names in (*rest, *PAIRS)]
        spread = eligible.numbers[chosen].std(axis=0)
        numbers = eligible.numbers[:, spread > 1e-9] / spread[spread > 1e-9]
        return cls(
            kinds, np.column_stack(single), np.column_stack(joint), np.column_stack([numbers, _liked(target, eligible)])
        )


_LEAST = 1e-3
"""Below that probability a policy does not take an action, however much less it likes it."""


def _liked(target: Floats, eligible: Eligible) -> Floats:
    """How much the policy likes each action, in two columns: its probability, and the log of it above the others'."""
    logs = np.log(np.maximum(target, _LEAST))
    relative = logs - (eligible.total(logs) / eligible.counts)[eligible.decisions]
    return np.column_stack([target, relative / -np.log(_LEAST)])


def _one_hot(codes: Codes, taken: NDArray[np.int64]) -> Floats:
    """A column for each combination of labels that was taken often enough; kinds that lack one of them have zeros."""
    size = int(codes.max(initial=-1)) + 2
    numbers = np.zeros(len(codes), np.int64)
    for column in codes.T:
        numbers = numbers * size + column + 1
    numbers[(codes < 0).any(axis=1)] = -1
    seen, counts = np.unique(numbers[taken], return_counts=True)
    kept = seen[(counts >= _FEWEST) & (seen >= 0)]
    columns: Floats = (numbers[:, None] == kept).astype(np.float64)
    return columns


@dataclass(frozen=True)
class RewardFeatures:
    """The features of every eligible row: `[bent, straight x single, joint, numbers]`, written out for few of them.

    The last of the numbers say how much the policy that is asked about likes the row.
    """

    contexts: ContextColumns
    actions: ActionColumns
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, log: LoggedDecisions, target: Floats, outcomes: Floats, crossed: int) -> "RewardFeatures":
        """The features of `log`, asked about a policy of these probabilities."""
        contexts = ContextColumns.of(log.contexts, outcomes, crossed)
        return cls(contexts, ActionColumns.of(log.eligible, log.chosen, target), log.eligible.starts)

    @property
    def groups(self) -> NDArray[np.int64]:
        """Which prior each feature has: 0 constant, 1 organic, 2 an action, 3 an action in a context, 4 a pair.

        5 is how much the policy likes it.
        """
        organic = np.r_[0, np.ones(self.contexts.bent.shape[1] - 1)]
        crossed = np.full((self.contexts.straight.shape[1], self.actions.single.shape[1]), 3)
        crossed[0] = 2
        pairs = np.full(self.actions.joint.shape[1] + self.actions.numbers.shape[1] - LIKED, 4)
        return np.concatenate([organic, crossed.ravel(), pairs, np.full(LIKED, 5)]).astype(np.int64)

    def of_chosen(self, chosen: NDArray[np.int64]) -> Floats:
        """Shape (decisions, features)."""
        kinds = self.actions.kinds[chosen]
        crossed = self.contexts.straight[:, :, None] * self.actions.single[kinds][:, None, :]
        flat = crossed.reshape(len(chosen), -1)
        return np.column_stack([self.contexts.bent, flat, self.actions.joint[kinds], self.actions.numbers[chosen]])

    def predict(self, coefficients: Floats, decisions: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        """The value of some rows, each of the decision beside it."""
        first, single, last = self._ends()
        kinds = self.actions.kinds[rows]
        joint = coefficients[last : last + self.actions.joint.shape[1]]
        advantages = self.contexts.straight @ coefficients[first:last].reshape(-1, single)
        values: Floats = (self.contexts.bent @ coefficients[:first])[decisions]
        values += np.einsum("ij,ij->i", advantages[decisions], self.actions.single[kinds])
        values += (self.actions.joint @ joint)[kinds]
        values += self.actions.numbers[rows] @ coefficients[last + len(joint) :]
        return values

    def totals(self, by_row: Floats, folds: NDArray[np.int64]) -> Floats:
        """The sums of the features of all rows, each times its number in `by_row`; shape (folds, features)."""
        sums = np.add.reduceat(by_row, self.starts[:-1])
        single = np.add.reduceat(by_row[:, None] * self.actions.single[self.actions.kinds], self.starts[:-1])
        of_row = np.repeat(folds, np.diff(self.starts))
        found = []
        for fold in range(int(folds.max()) + 1):
            inside, rows = folds == fold, of_row == fold
            by_kind = np.bincount(self.actions.kinds[rows], by_row[rows], minlength=len(self.actions.joint))
            crossed = self.contexts.straight[inside].T @ single[inside]
            organic = sums[inside] @ self.contexts.bent[inside]
            numbers = by_row[rows] @ self.actions.numbers[rows]
            found.append(np.concatenate([organic, crossed.ravel(), by_kind @ self.actions.joint, numbers]))
        return np.array(found)

    def _ends(self) -> tuple[int, int, int]:
        first, single = self.contexts.bent.shape[1], self.actions.single.shape[1]
        return first, single, first + self.contexts.straight.shape[1] * single

"""Contexts and actions as the columns of one linear model: what a message is made of shares what is learned of it.

A column belongs to the baseline (what comes in whatever is done), to any message, to one label, each of them times the
contexts; or to a pair of labels, a number, or the option that the shop's own rule would take. Silence has no columns
but the baseline's, so all others add up to an advantage over silence, whose own is zero by construction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible, Labels, Starts
from models.policies.standardised import Standardised

PAIRS = tuple(
    (FACTORS.index(one), FACTORS.index(other))
    for one, other in (
        ("channel", "delay"),
        ("channel", "hour"),
        ("channel", "argument"),
        ("channel", "incentive"),
        ("delay", "hour"),
        ("delay", "argument"),
        ("argument", "incentive"),
    )
)
"""Factors whose joint effect may be another than the sum of their own."""

GROUPS = ("level", "baseline", "any", "any_context", "label", "label_context", "pair", "number", "rule")
"""The kinds of columns, each with a prior scale of its own."""

_LEVEL, _BASELINE, _ANY, _ANY_CONTEXT, _LABEL, _LABEL_CONTEXT, _PAIR, _NUMBER, _RULE = range(len(GROUPS))


@dataclass(frozen=True)
class Encoding:
    """The layout of the columns. It grows by new contexts and labels, and says where its old columns went.

    `squares` (NUMBERS) are the mean squares of the numbers of `messages` messages.
    """

    contexts: Standardised = field(default_factory=Standardised)
    labels: Labels = ((),) * len(FACTORS)
    squares: Floats = field(default_factory=lambda: np.zeros(len(NUMBERS)))
    messages: float = 0.0

    def _shapes(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(group, shape) of each block in the order of the columns; those times contexts end in the contexts."""
        contexts, known = len(self.contexts.columns), [len(labels) for labels in self.labels]
        yield _BASELINE, (1, contexts)
        yield _ANY_CONTEXT, (1, contexts)
        for count in known:
            yield _LABEL_CONTEXT, (count, contexts)
        for one, other in PAIRS:
            yield _PAIR, (known[one], known[other])
        yield _NUMBER, (len(NUMBERS), 1)
        yield _RULE, (1, 1)

    @cached_property
    def blocks(self) -> list[NDArray[np.int64]]:
        """The columns' numbers, block by block: baseline, any, a block a factor, a block a pair, numbers, rule."""
        found, start = [], 0
        for _, shape in self._shapes():
            size = shape[0] * shape[1]
            found.append(np.arange(start, start + size, dtype=np.int64).reshape(shape))
            start += size
        return found

    @property
    def groups(self) -> Codes:
        """The place in GROUPS of each column."""
        plain = {_BASELINE: _LEVEL, _ANY_CONTEXT: _ANY, _LABEL_CONTEXT: _LABEL}
        found = []
        for group, shape in self._shapes():
            codes = np.full(shape, group, np.int32)
            if group in plain:
                codes[:, 0] = plain[group]
            found.append(codes.ravel())
        return np.concatenate(found)

    def grown(self, contexts: Contexts, eligible: Eligible) -> "Encoding":
        """With the moments of what is given, and columns for what is new in it."""
        labels = tuple(
            tuple(sorted({*known, *(mine[code] for code in np.unique(codes[codes >= 0]))}))
            for known, mine, codes in zip(self.labels, eligible.labels, eligible.codes.T, strict=True)
        )
        sent = eligible.numbers[~eligible.silent]
        total = max(self.messages + len(sent), 1.0)
        squares = (self.squares * self.messages + (sent**2).sum(axis=0)) / total
        return Encoding(self.contexts.grown(_logarithmic(contexts)), labels, squares, self.messages + len(sent))

    def matrix(self, contexts: Contexts) -> Floats:
        """(decisions, columns) of the contexts, standardised: 1 first. Sizes count by their logarithms."""
        return self.contexts.matrix(_logarithmic(contexts))

    def places(self, old: "Encoding") -> NDArray[np.int64]:
        """Where each column of an `old` encoding, from which this one has grown, is found in this one."""
        contexts = self.context_places(old)
        labels = [
            np.array([known.index(label) for label in before], np.int64)
            for known, before in zip(self.labels, old.labels, strict=True)
        ]
        rows = [np.zeros(1, np.int64)] * 2 + labels + [labels[one] for one, _ in PAIRS]
        ends = [contexts] * (2 + len(FACTORS)) + [labels[other] for _, other in PAIRS]
        *blocks, numbers, rule = self.blocks
        moved = [block[np.ix_(row, end)].ravel() for block, row, end in zip(blocks, rows, ends, strict=True)]
        return np.concatenate([*moved, numbers.ravel(), rule.ravel()])

    def context_places(self, old: "Encoding") -> NDArray[np.int64]:
        """Where each column of the contexts of an `old` encoding is found among those of this one."""
        mine = {name: place for place, name in enumerate(self.contexts.columns)}
        return np.array([mine[name] for name in old.contexts.columns], np.int64)

    def baseline(self, weights: Floats, contexts: Floats) -> Floats:
        """What `weights` (columns) expect of each decision when nothing is said."""
        return np.asarray((contexts * weights[self.blocks[0][0]]).sum(axis=1), np.float64)

    def advantages(self, weights: Floats, contexts: Floats, eligible: Eligible, by_rule: Starts) -> Floats:
        """What each of several `weights` (models, columns) says of each row of `eligible`, without the baseline.

        The result is (models, rows), 0 for silence. `contexts` is `self.matrix` and `by_rule` the row that the shop's
        rule would take, one a decision or none at all. Sums run column by column, so that a decision's answer has the
        same bits alone and in a batch.
        """
        _, of_any, *rest = self.blocks
        of_labels, of_pairs = rest[: len(FACTORS)], rest[len(FACTORS) : -2]
        stacked = weights[:, np.concatenate([of_any, *of_labels])]
        effects = np.zeros((len(weights), len(contexts), stacked.shape[1] + 1))
        for column in range(contexts.shape[1]):
            effects[:, :, :-1] += contexts[:, column, None] * stacked[:, None, :, column]
        codes, decisions = eligible.coded(self.labels), eligible.decisions
        found = effects[:, decisions, 0]
        start = 1
        for factor, block in enumerate(of_labels):
            found += effects[:, decisions, np.where(codes[:, factor] >= 0, codes[:, factor] + start, -1)]
            start += len(block)
        for (one, other), block in zip(PAIRS, of_pairs, strict=True):
            if block.size:
                both = (codes[:, one] >= 0) & (codes[:, other] >= 0)
                found += np.where(both, weights[:, block[codes[:, one] * both, codes[:, other] * both]], 0.0)
        for column, scaled in zip(rest[-2][:, 0], self._numbers(eligible).T, strict=True):
            found += weights[:, column, None] * scaled
        found[:, by_rule] += weights[:, rest[-1][0]]
        return np.where(eligible.silent, 0.0, found)

    def rows(self, contexts: Floats, eligible: Eligible, chosen: Starts, by_rule: Starts) -> Floats:
        """The columns of the `chosen` rows, shape (decisions, columns): what a regression learns from."""
        of_baseline, of_any, *rest = self.blocks
        *blocks, numbers, rule = rest
        codes, sent = eligible.coded(self.labels)[chosen], ~eligible.silent[chosen]
        wide = np.zeros((len(chosen), int(rule[0, 0]) + 1))
        wide[:, of_baseline[0]] = contexts
        wide[:, of_any[0]] = contexts * sent[:, None]
        for factor, block in enumerate(blocks[: len(FACTORS)]):
            has = np.flatnonzero(codes[:, factor] >= 0)
            wide[has[:, None], block[codes[has, factor]]] = contexts[has]
        for (one, other), block in zip(PAIRS, blocks[len(FACTORS) :], strict=True):
            has = np.flatnonzero((codes[:, one] >= 0) & (codes[:, other] >= 0))
            wide[has, block[codes[has, one], codes[has, other]]] = 1.0
        wide[:, numbers[:, 0]] = self._numbers(eligible)[chosen]
        wide[:, rule[0, 0]] = np.isin(chosen, by_rule) & sent
        return wide

    def _numbers(self, eligible: Eligible) -> Floats:
        scale = np.sqrt(self.squares)
        return np.asarray(np.clip(eligible.numbers / np.where(scale > 0, scale, 1.0), -4.0, 4.0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {
            **self.contexts.arrays(),
            **{f"labels_{name}": np.array(known, object) for name, known in zip(FACTORS, self.labels, strict=True)},
            "number_squares": self.squares,
            "messages": np.array(self.messages),
        }

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]]) -> "Encoding":
        """From `arrays()`."""
        labels = tuple(tuple(arrays[f"labels_{name}"].tolist()) for name in FACTORS)
        contexts = Standardised.restored(arrays)
        return cls(contexts, labels, arrays["number_squares"], float(arrays["messages"]))


def _logarithmic(contexts: Contexts) -> Contexts:
    """Values of carts, counts and days spread over powers of ten; around 0 nothing changes."""
    return Contexts(contexts.names, np.sign(contexts.values) * np.log1p(np.abs(contexts.values)))

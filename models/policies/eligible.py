"""The actions that a decision may take, after every rule has spoken.

An action is described by what it is made of, its factors, and not by a number: a new slot or argument is a new row that
shares what was learned of its channel, delay and hour. Silence is an action too, the one that lacks every factor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Mask

FACTORS = ("channel", "delay", "hour", "weekday", "argument", "incentive")
"""What a message is made of: where, how long after the trigger, at which local hour and day (classes), with what."""

NUMBERS = ("delay_hours", "slot_score", "cost", "discount")
"""What a message has of numbers: hours after the trigger, how good the hour is for this customer (log ratio to the
average hour; 0 when not known), what sending costs and what is given away, both in the currency of the reward."""

Starts = NDArray[np.int64]
Labels = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Eligible:
    """The eligible actions of n decisions, one row an action, those of one decision together, at least one each.

    `starts` (n + 1) says where the rows of each decision begin. `codes` (rows, FACTORS) are places in `labels`, one
    tuple of labels a factor; -1 where the action lacks the factor. `numbers` (rows, NUMBERS).
    """

    starts: Starts
    labels: Labels
    codes: Codes
    numbers: Floats

    def __post_init__(self) -> None:
        rows = len(self.codes)
        if self.starts[0] != 0 or self.starts[-1] != rows or (np.diff(self.starts) < 1).any():
            raise ValueError("starts must rise from 0 to the number of rows: each decision has at least one action")
        if self.codes.shape != (rows, len(FACTORS)) or self.numbers.shape != (rows, len(NUMBERS)):
            raise ValueError(f"codes {self.codes.shape} and numbers {self.numbers.shape} do not fit {rows} actions")
        if any((self.codes[:, i] >= len(known)).any() for i, known in enumerate(self.labels)):
            raise ValueError("a code is beyond the labels of its factor")
        if not np.isfinite(self.numbers).all():
            raise ValueError("the numbers of an action must be finite")

    @classmethod
    def of(cls, decisions: Sequence[Sequence[tuple[Mapping[str, str], Mapping[str, float]]]]) -> "Eligible":
        """From (factors, numbers) of each action of each decision; silence is `({}, {})`.

        >>> mail = {"channel": "email", "delay": "24h"}
        >>> Eligible.of([[({}, {}), (mail, {"cost": 0.01})]]).silent.tolist()
        [True, False]
        """
        actions = [action for decision in decisions for action in decision]
        labels = tuple(tuple(sorted({factors[name] for factors, _ in actions if name in factors})) for name in FACTORS)
        places = [{label: place for place, label in enumerate(known)} for known in labels]
        codes = [
            [place.get(factors.get(name, ""), -1) for name, place in zip(FACTORS, places, strict=True)]
            for factors, _ in actions
        ]
        numbers = [[given.get(name, 0.0) for name in NUMBERS] for _, given in actions]
        starts = np.cumsum([0, *(len(decision) for decision in decisions)], dtype=np.int64)
        shape = (len(actions), len(FACTORS))
        return cls(
            starts,
            labels,
            np.array(codes, np.int32).reshape(shape),
            np.array(numbers, np.float64).reshape(len(actions), len(NUMBERS)),
        )

    @classmethod
    def of_columns(
        cls, counts: Sequence[int], factors: Sequence[Sequence[str]], numbers: Sequence[Sequence[float]]
    ) -> "Eligible":
        """From how many actions each decision has, and one column a factor and a number, as a log holds them.

        `factors` has one sequence a name of `FACTORS`, `numbers` one a name of `NUMBERS`, each as long as there are
        actions; an empty text is a factor that the action lacks.

        >>> columns = [["", "email"], ["", "24h"], *([["", ""]] * 4)]
        >>> Eligible.of_columns([2], columns, [[0.0, 24.0], *([[0.0, 0.0]] * 3)]).codes[:, 0].tolist()
        [-1, 0]
        """
        starts = np.cumsum([0, *counts], dtype=np.int64)
        labels = tuple(tuple(sorted(set(column) - {""})) for column in factors)
        codes = np.empty((int(starts[-1]), len(FACTORS)), np.int32)
        for factor, (column, known) in enumerate(zip(factors, labels, strict=True)):
            places = {label: place for place, label in enumerate(known)} | {"": -1}
            codes[:, factor] = [places[label] for label in column]
        return cls(starts, labels, codes, np.array(numbers, np.float64).T.reshape(len(codes), len(NUMBERS)))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def counts(self) -> Starts:
        """How many actions each decision may take."""
        return np.diff(self.starts)

    @cached_property
    def decisions(self) -> Starts:
        """The decision of each row."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)

    @cached_property
    def silent(self) -> Mask:
        """The rows that say nothing."""
        silent: Mask = self.codes.max(axis=1) < 0
        return silent

    def total(self, values: Floats) -> Floats:
        """The sum of `values` (one a row) over the rows of each decision."""
        return np.add.reduceat(values, self.starts[:-1])

    def most(self, values: Floats) -> Floats:
        """The largest of `values` (one a row) among the rows of each decision."""
        return np.maximum.reduceat(values, self.starts[:-1])

    def first(self, among: Mask) -> Starts:
        """The first row of each decision that is `among` (rows), of which each decision has one at least."""
        rows: Starts = np.flatnonzero(among)
        first: Starts = rows[np.append(True, np.diff(self.decisions[rows]) > 0)]
        return first

    def padded(self, values: Floats) -> Floats:
        """`values` (one a row) as one row a decision, shape (decisions, most actions), zeros behind the last action."""
        counts = self.counts
        wide = np.zeros((len(counts), int(counts.max())))
        wide[np.arange(wide.shape[1]) < counts[:, None]] = values
        return wide

    def take(self, decisions: Starts) -> "Eligible":
        """Some of the decisions, by their numbers."""
        counts = self.counts[decisions]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.repeat(self.starts[:-1][decisions] - starts[:-1], counts) + np.arange(starts[-1])
        return Eligible(starts, self.labels, self.codes[rows], self.numbers[rows])

    def coded(self, labels: Labels) -> Codes:
        """The codes in other `labels`, one sorted tuple a factor; -2 for a label that is not among them.

        >>> mail = Eligible.of([[({"channel": "email"}, {})]])
        >>> mail.coded((("email", "sms"), (), (), (), (), ()))[0].tolist(), mail.coded(((),) * 6)[0, 0].tolist()
        ([0, -1, -1, -1, -1, -1], -2)
        """
        wide = np.empty_like(self.codes)
        for factor, (mine, known) in enumerate(zip(self.labels, labels, strict=True)):
            places = {label: place for place, label in enumerate(known)}
            mapped = np.array([*(places.get(label, -2) for label in mine), -1], np.int32)
            wide[:, factor] = mapped[self.codes[:, factor]]
        return wide

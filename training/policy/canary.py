"""The canary: customers drawn by chance get the candidate, the others the champion, until one is known to be better.

Whoever entered the comparison counts once, with what came of the decisions of the first days, in the group that the
hash chose, whatever was then sent. So entries are independent and never change, and the comparison may be looked at
whenever one likes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.reports.finding import Finding, difference
from models.arrays import Floats, Mask
from models.off_policy.confidence_sequence import normal_mixture
from models.off_policy.diagnostics import MISMATCH, sample_ratio
from models.off_policy.intervals import Bounds
from models.policies.logged import LoggedDecisions

Outcome = Literal["promote", "roll back", "go on"]
_UNKNOWN = Bounds(0.0, -np.inf, np.inf)


@dataclass(frozen=True)
class Comparison:
    """What to do now, by how much the candidate is worth more a customer, at all times at once, and why: in words, and
    by a code with its figures."""

    outcome: Outcome
    difference: Bounds
    customers: int
    words: str
    finding: Finding


@dataclass(frozen=True)
class Canary:
    """`share` of the customers get the candidate; each counts with the decisions of `days` after the first one.

    `patience` customers later a difference that is still open ends the trial in favour of what is known: a canary that
    cannot be told from the champion is rolled back.
    """

    share: float = 0.1
    days: float = 14.0
    level: float = 0.95
    patience: int = 200_000

    def judge(self, log: LoggedDecisions, candidate: Mask, now: float) -> Comparison:
        """Compare the decisions since the canary began; `candidate` (one a decision) says whose customers were whose.

        `now` is in days since 1970. Customers whose days are not over, or whose rewards are not matured, do not count
        yet, nor does anybody who came after them.
        """
        worth, treated = self._customers(log, candidate, now)
        count = len(worth)
        counts = np.array([int((~treated).sum()), int(treated.sum())])
        if count and sample_ratio(counts, np.array([1 - self.share, self.share])) < MISMATCH:
            words = (
                f"{counts[1]} of {count} customers got the candidate, {self.share:.0%} were to; nothing can be compared"
            )
            figures = {"given": counts[1], "customers": count, "share": self.share}
            told = Finding.of("canary_unequal", figures)
            return Comparison("roll back", _UNKNOWN, count, words, told)
        if not count:
            return Comparison("go on", _UNKNOWN, 0, "no customer's days are over yet", Finding.of("canary_nobody"))
        usual = np.concatenate([[0.0], np.cumsum(worth)[:-1] / np.arange(1, count)])
        weights = np.where(treated, 1 / self.share, -1 / (1 - self.share))
        sequence = normal_mixture(weights * (worth - usual), self.level)
        found = Bounds(float(sequence.means[-1]), float(sequence.low[-1]), float(sequence.high[-1]))
        return self._said(found, count)

    def _said(self, found: Bounds, count: int) -> Comparison:
        told = f"{found} a customer after {count}"

        def said(outcome: Outcome, code: str, why: str) -> Comparison:
            finding = Finding.of(code, {**difference(found), "customers": count})
            return Comparison(outcome, found, count, f"{told}: {why}", finding)

        if found.low > 0:
            return said("promote", "canary_better", "better")
        if found.high < 0:
            return said("roll back", "canary_worse", "worse")
        if count >= self.patience:
            return said("roll back", "canary_alike", "not to be told from the champion in that time")
        return said("go on", "canary_open", "not decided yet")

    def _customers(self, log: LoggedDecisions, candidate: Mask, now: float) -> tuple[Floats, Mask]:
        """What each customer who counts was worth, in the order in which they entered, and who got the candidate.

        Nobody overtakes: behind the first who does not count yet, nobody does, so each look continues the one before,
        which is what lets one look as often as one likes.
        """
        numbers, of = np.unique(log.customers, return_inverse=True)
        first = np.full(len(numbers), np.inf)
        np.minimum.at(first, of, log.at)
        inside = log.at < first[of] + self.days
        worth: Floats = np.bincount(of, np.where(inside, log.rewards, 0.0), minlength=len(numbers)).astype(np.float64)
        open_ = np.bincount(of, inside & ~log.matured, minlength=len(numbers)) > 0
        order = np.argsort(first, kind="stable")
        waits = np.append((first[order] + self.days > now) | open_[order], True)
        counted = order[: int(np.argmax(waits))]
        return worth[counted], self._group(candidate, of, len(numbers))[counted]

    def _group(self, candidate: Mask, of: NDArray[np.int64], count: int) -> Mask:
        treated = np.bincount(of, candidate, minlength=count)
        both = (treated > 0) & (treated < np.bincount(of, minlength=count))
        if both.any():
            raise ValueError(f"{int(both.sum())} customers are in both groups; a group must survive login")
        return treated > 0

"""What was chosen week by week, what rules took away, and what the messages cost."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from features.reports.policy_value import Harms, Refused, Taken, Week
from models.arrays import Mask
from models.policies.eligible import FACTORS
from training.policy.dataset import History
from training.policy.journal import Journal

SHOWN = ("channel", "delay", "argument", "incentive")
"""The factors whose labels are counted."""

SILENCE = "silence"
_EPOCH, _WEEK, _THURSDAY = date(1970, 1, 1), 7, 3
"""The first of 1970 was a Thursday."""


def week_of(days: NDArray[np.float64]) -> NDArray[np.int64]:
    """The Monday (UTC) of the week of each of `days`, in days since 1970.

    >>> week_of(np.array([0.0, 3.9, 4.0])).tolist()
    [-3, -3, 4]
    """
    whole = np.floor(days).astype(np.int64)
    mondays: NDArray[np.int64] = whole - (whole + _THURSDAY) % _WEEK
    return mondays


def date_of(day: int) -> date:
    """The date of a number of days since 1970."""
    return _EPOCH + timedelta(days=day)


def weeks(journal: Journal, which: Mask) -> tuple[Week, ...]:
    """What was chosen in each week, oldest first; weeks in which nothing was decided are not among them."""
    rows = np.flatnonzero(which)
    mondays = week_of(journal.at[rows])
    explored = np.array([journal.decided[row].explored for row in rows.tolist()], bool)
    return tuple(
        Week(
            begins=date_of(int(monday)),
            decisions=int((mondays == monday).sum()),
            explored=int(explored[mondays == monday].sum()),
            taken=_taken(journal, rows[mondays == monday]),
        )
        for monday in np.unique(mondays)
    )


def _taken(journal: Journal, rows: NDArray[np.int64]) -> tuple[Taken, ...]:
    chosen, eligible = journal.chosen[rows], journal.eligible
    found = []
    for factor in SHOWN:
        place = FACTORS.index(factor)
        codes, counts = np.unique(eligible.codes[chosen, place], return_counts=True)
        labels = eligible.labels[place]
        found += [
            Taken(factor, labels[code], int(count)) for code, count in zip(codes, counts, strict=True) if code >= 0
        ]
    if silent := int(eligible.silent[chosen].sum()):
        found.append(Taken(SILENCE, "", silent))
    return tuple(found)


def refusals(journal: Journal, which: Mask) -> tuple[Refused, ...]:
    """In how many decisions each rule took something away, the most frequent first."""
    only_silence = (journal.eligible.counts == 1) & journal.eligible.silent[journal.eligible.starts[:-1]]
    found, silenced = Counter[str](), Counter[str]()
    for row in np.flatnonzero(which).tolist():
        reasons = {refusal.reason for refusal in journal.decided[row].refused}
        found.update(reasons)
        if only_silence[row]:
            silenced.update(reasons)
    return tuple(Refused(reason, count, silenced[reason]) for reason, count in found.most_common())


def harms(seen: History, which: Mask) -> Harms:
    """What the messages cost so far; a discount on an order that two decisions have in their windows counts once."""
    rows = np.flatnonzero(which).tolist()
    sent = [row for row in rows if seen.outcomes[row].activated_at is not None]
    counted, discounts = set[tuple[str, str]](), 0.0
    for row in rows:
        outcome = seen.outcomes[row]
        orders = {(outcome.customer_id, id_) for id_ in outcome.order_ids}
        if not orders or not orders <= counted:
            discounts += float(outcome.discount)
        counted |= orders
    return Harms(
        sent=len(sent),
        left=int(seen.rewards.unsubscribed[which].sum()),
        angered=int(seen.rewards.complained[which].sum()),
        cost=float(sum(seen.journal.options[row].cost for row in sent)),
        discounts=discounts,
    )

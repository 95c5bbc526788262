"""What each decision was worth: the margin of all that its customer bought in the window, less what it cost.

Silence is counted like a message, since what would have been bought anyway is in both; nothing is attributed to a
click. A reward whose window is open is what is known so far and what is still expected, never a zero for want of news.

Whether a message that never went out counts depends on why. Somebody who bought, or left the channel, before it was due
was rightly spared: that is what "send then" does, so the decision stays. Where the engine did not send for reasons of
its own, nothing was tried and the decision is left out; then as large a share of the rightly spared is left out too,
or those who bought early would weigh more than those who did not.

Where a cart is decided about more than once, the worth of a decision is all that follows it in its window, later
messages and their cost included. `own` is the part of it until the next decision: the parts of an episode add up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.log import microseconds
from features.outcomes import Outcome
from models.arrays import Floats, Ids, Mask
from models.policies.base import variates
from models.policies.eligible import NUMBERS, Starts
from training.policy.journal import HOLDOUT, Journal
from training.policy.maturing import still_to_come

ACTIVATION_HOURS = 24.0
"""A message that was not reported as sent for so long after it was due was not sent."""

SETTLING_HOURS = 24.0
"""Events may come late: so long after the window has closed and the activation is overdue, a reward counts as final."""

_DELAY_HOURS = NUMBERS.index("delay_hours")

LEFT_OUT = ("holdout", "not_learnable", "shadow", "sent_otherwise", "not_sent", "not_due", "too_new")
"""Why a decision teaches nothing (yet); see `Rewards.left_out`."""


def in_words(left_out: Mapping[str, int]) -> str:
    """How many decisions teach nothing, by reason.

    >>> in_words({"holdout": 1_200, "not_due": 3, "too_new": 0})
    '1,200 holdout, 3 not due'
    """
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in left_out.items() if count) or "none"


@dataclass(frozen=True)
class Rewards:
    """One entry a decision of a journal, as of a moment.

    `values` are net, in the currency of the terms, NaN where nothing can be said yet; `own` is what came until the next
    decision of the episode: all orders belong to the last decision before the first of them. `once` is that without
    the orders that an earlier episode of the same customer has too: what adds up to the worth of a customer. Where only
    some of a decision's orders are, it is that share of what they earned. `matured` is whether the
    window has closed, `settled` whether late events had their time too. `left_out` is one of `LEFT_OUT`, or "".
    """

    values: Floats
    own: Floats
    once: Floats
    matured: Mask
    settled: Mask
    left_out: Ids
    bought: Mask
    unsubscribed: Mask
    complained: Mask
    discounts: Floats
    ambiguous: Mask


def rewards(
    journal: Journal,
    outcomes: Sequence[Outcome],
    as_of: datetime,
    activation_hours: float = ACTIVATION_HOURS,
    settling_hours: float = SETTLING_HOURS,
) -> Rewards:
    """The rewards of the decisions of `journal`, whose `outcomes` as of that moment these are."""
    age = microseconds(as_of) / 3600e6 - journal.at * 24
    windows = _floats([terms.window_hours for terms in journal.terms])
    activated = np.array([one.activated_at is not None for one in outcomes], bool)
    matured = np.array([one.matured for one in outcomes], bool)
    first = _floats([_hours(one.decided_at, one.first_order_at) for one in outcomes])
    unsubscribed = np.array([one.unsubscribed for one in outcomes], bool)
    complained = np.array([one.complained for one in outcomes], bool)
    discounts = _floats([one.discount for one in outcomes])

    margins = _floats([terms.margin for terms in journal.terms])
    earned = margins * _floats([one.value for one in outcomes]) - discounts
    costs = np.where(activated, [option.cost for option in journal.options], 0.0)
    lost = unsubscribed * _floats([terms.unsubscribe_cost for terms in journal.terms])
    angered = complained * _floats([terms.complaint_cost for terms in journal.terms])

    delays = [option.delay for option in journal.options]
    expected = still_to_come(delays, np.clip(age, 0, windows), windows, first, earned)
    ahead = np.where(matured | ~np.isnan(first), 0.0, expected)
    spent = costs + lost + angered
    values = earned + ahead - spent - _of_later_messages(journal, spent, windows)
    goes_on = _next(journal) * 24  # hours
    elsewhere = (goes_on < np.where(np.isnan(first), windows, first)) | _bought_before(journal, first, windows)
    own = np.where(elsewhere, 0.0, earned + ahead) - spent
    once = own - earned * _counted_already(journal, outcomes, elsewhere)

    due = np.nan_to_num(journal.waits, nan=0.0)
    latest = np.maximum(due, journal.eligible.most(journal.eligible.numbers[:, _DELAY_HOURS]))
    overdue = age > due + activation_hours
    spared = journal.sends & ~activated & ((first <= due) | unsubscribed | complained)
    failed = journal.sends & ~activated & ~spared & overdue
    left_out = np.full(len(journal), "", object)
    for reason, holds in {
        "too_new": np.isnan(values) | (age < 0),
        "not_due": journal.sends & ~activated & ~failed & (~spared | (age < due)),
        "not_sent": failed | (spared & ~_kept(journal.decision_ids, activated, failed)),
        "sent_otherwise": np.array([one.activated_channel not in (None, one.channel) for one in outcomes], bool),
        "shadow": journal.texts("mode") == "shadow",
        "not_learnable": ~np.array([one.learnable for one in journal.decided], bool),
        "holdout": journal.texts("arm") == HOLDOUT,
    }.items():
        left_out[holds] = reason
    return Rewards(
        values=values,
        own=own,
        once=once,
        matured=matured,
        settled=(age > windows + settling_hours) & (age >= latest + activation_hours + settling_hours),
        left_out=left_out,
        bought=~np.isnan(first),
        unsubscribed=unsubscribed,
        complained=complained,
        discounts=discounts,
        ambiguous=np.array([one.ambiguous for one in outcomes], bool),
    )


def _of_later_messages(journal: Journal, spent: Floats, windows: Floats) -> Floats:
    """What later messages of the same episode cost within the window of each decision, and whom they drove away: their
    orders count there too."""
    found = np.zeros(len(journal))
    for one, later in _pairs(journal):
        inside = (journal.at[later] - journal.at[one]) * 24 < windows[one]
        found[one] += inside * spent[later]
    return found


def _bought_before(journal: Journal, first: Floats, windows: Floats) -> Mask:
    """Where an order came before the decision, within the window of an earlier one of the episode, which has it all."""
    found = np.zeros(len(journal), bool)
    for one, later in _pairs(journal):
        apart = (journal.at[later] - journal.at[one]) * 24
        found[later] |= (first[one] <= apart) & (apart < windows[one])
    return found


def _counted_already(journal: Journal, outcomes: Sequence[Outcome], elsewhere: Mask) -> Floats:
    """The share of each decision's orders that an earlier decision about another episode of the customer has."""
    shares, counted = np.zeros(len(journal)), set[tuple[int, str]]()
    ordered = np.array([bool(one.order_ids) for one in outcomes], bool) & ~elsewhere
    for row in np.flatnonzero(ordered)[np.argsort(journal.at[ordered], kind="stable")]:
        mine = {(int(journal.customers[row]), id_) for id_ in outcomes[row].order_ids}
        shares[row] = len(mine & counted) / len(mine)
        counted |= mine
    return shares


def _pairs(journal: Journal) -> Iterator[tuple[Starts, Starts]]:
    """The places of a decision and of a later one of its episode: first of neighbours, then of those two apart, …"""
    order = np.lexsort((journal.at, journal.episodes))
    episodes = journal.episodes[order]
    for ahead in range(1, len(order)):
        same = np.flatnonzero(episodes[ahead:] == episodes[:-ahead])
        if not len(same):
            return
        yield order[same], order[same + ahead]


def _next(journal: Journal) -> Floats:
    """Days to the next decision of the episode; infinite where there was none."""
    order = np.lexsort((journal.at, journal.episodes))
    episodes, at = journal.episodes[order], journal.at[order]
    found = np.full(len(order), np.inf)
    found[order[:-1]] = np.where(episodes[1:] == episodes[:-1], np.diff(at), np.inf)
    return found


def _kept(decision_ids: Ids, activated: Mask, failed: Mask) -> Mask:
    """As large a share of all, by their ids, as was sent of what should have been."""
    sent, should = activated.sum(), activated.sum() + failed.sum()
    return variates([f"{id_}:spared" for id_ in decision_ids]) < (sent / should if should else 1.0)


def _hours(since: datetime, until: datetime | None) -> float:
    return (until - since).total_seconds() / 3600 if until else np.nan


def _floats(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array(values, np.float64)

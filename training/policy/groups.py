"""What the policy is worth over doing nothing: groups of customers drawn by chance, compared as they were drawn.

Everybody counts in the group that a hash has put them into, whatever was then sent or not, and with all that they
bought; so the difference is what deciding has caused, and no click has to be believed. One episode is one abandoned
cart: its first decision, and the orders in the window behind that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from models.arrays import Floats, Mask
from models.off_policy.diagnostics import MISMATCH, sample_ratio
from training.bootstrap import Interval
from training.policy.dataset import History
from training.policy.journal import HOLDOUT, POLICY

ARMS = (POLICY, "random", "baseline", HOLDOUT)
OFF = "off"
"""The mode of a point at which nothing is sent."""

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Group:
    """One group: how many it has, and what an episode was worth to it, on average."""

    arm: str
    customers: int
    episodes: int
    value: Interval
    bought: float
    messages: float
    unsubscribed: float
    discount: float


@dataclass(frozen=True)
class Comparison:
    """The groups, what the policy is worth over each other one (value an episode), and how likely sizes are like this.

    `ratio` is the probability of sizes at least as far from the configured shares as these, NaN without customers.
    """

    groups: Mapping[str, Group]
    uplifts: Mapping[str, Interval]
    ratio: float

    @property
    def mismatch(self) -> bool:
        """Whether the groups are not what they should be."""
        return self.ratio < MISMATCH

    def table(self) -> pd.DataFrame:
        """One row a group."""
        return pd.DataFrame(
            [
                {
                    "group": group.arm,
                    "customers": group.customers,
                    "episodes": group.episodes,
                    **_ends("value an episode", group.value),
                    "bought": group.bought,
                    "messages": group.messages,
                    "unsubscribed": group.unsubscribed,
                    "discount": group.discount,
                    **_ends("policy above it", self.uplifts.get(group.arm)),
                }
                for group in self.groups.values()
            ]
        )


def compare(seen: History, shares: Mapping[str, float]) -> Comparison:
    """The groups of `seen`, whose `shares` by arm are configured; only windows that have closed count.

    What was decided while the point was off says of no group what it is worth: nobody was sent anything.
    """
    first = _firsts(seen)
    arms = _assigned(seen)
    counted = first & seen.rewards.matured
    groups = {arm: _group(seen, arm, counted & (arms == arm)) for arm in ARMS if (counted & (arms == arm)).any()}
    values = {arm: _moments(seen, counted & (arms == arm)) for arm in groups}
    above = {arm: _difference(values[POLICY], values[arm]) for arm in groups if arm != POLICY and POLICY in groups}
    customers = {arm: len(np.unique(seen.journal.customers[first & (arms == arm)])) for arm in ARMS}
    return Comparison(groups, above, ratio_of(customers, shares))


def ratio_of(customers: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """The probability of group sizes at least as unlikely as these (Pearson's chi-square), a sample-ratio check.

    >>> round(ratio_of({"policy": 920, "holdout": 80}, {"policy": 0.95, "holdout": 0.05}), 5)
    1e-05
    """
    if any(customers.get(arm, 0) and not shares.get(arm) for arm in customers):
        return 0.0
    drawn = [arm for arm, share in shares.items() if share > 0]
    if len(drawn) < 2 or not any(customers.get(arm, 0) for arm in drawn):
        return float("nan")
    counts = np.array([customers.get(arm, 0) for arm in drawn], np.int64)
    return sample_ratio(counts, np.array([shares[arm] for arm in drawn]))


def _firsts(seen: History) -> Mask:
    """The first decision of each episode that was made while the point was on."""
    found = np.zeros(len(seen), bool)
    order = np.argsort(seen.journal.at, kind="stable")
    order = order[np.array([one.mode != OFF for one in seen.journal.decided], bool)[order]]
    found[order[np.unique(seen.journal.episodes[order], return_index=True)[1]]] = True
    return found


def _assigned(seen: History) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    """The arm of each decision's customer: of somebody who had two as a visitor, the earliest."""
    order = np.argsort(seen.journal.at, kind="stable")
    customers, first = np.unique(seen.journal.customers[order], return_index=True)
    arms = seen.arms[order[first]]
    found: np.ndarray[tuple[int], np.dtype[np.object_]] = arms[np.searchsorted(customers, seen.journal.customers)]
    return found


def _group(seen: History, arm: str, which: Mask) -> Group:
    rewards = seen.rewards
    episodes = int(which.sum())
    mine = np.isin(seen.journal.episodes, seen.journal.episodes[which])
    went = mine & np.array([one.activated_at is not None for one in seen.outcomes], bool)
    value, spread, freedom = _moments(seen, which)
    reach = float(stats.t.ppf(0.5 + _CONFIDENCE / 2, freedom)) * spread**0.5 if freedom > 0 else float("inf")
    return Group(
        arm=arm,
        customers=len(np.unique(seen.journal.customers[which])),
        episodes=episodes,
        value=Interval(value, value - reach, value + reach),
        bought=float(rewards.bought[which].mean()),
        messages=float(went.sum() / episodes),
        unsubscribed=float(rewards.unsubscribed[mine].sum() / episodes),
        discount=float(rewards.discounts[which].mean()),
    )


def _moments(seen: History, which: Mask) -> tuple[float, float, float]:
    """The mean value of an episode, its variance by customers (a ratio of sums), and the degrees of freedom."""
    _, places = np.unique(seen.journal.customers[which], return_inverse=True)
    sums: Floats = np.bincount(places, seen.rewards.values[which]).astype(np.float64)
    counts: Floats = np.bincount(places).astype(np.float64)
    value = float(sums.sum() / counts.sum())
    freedom = len(sums) - 1
    errors = (sums - value * counts) / counts.mean()
    return value, float(errors.var(ddof=1) / len(sums)) if freedom else float("inf"), float(freedom)


def _difference(one: tuple[float, float, float], other: tuple[float, float, float]) -> Interval:
    """The difference of two means with its 95 % interval (Welch)."""
    (mean, spread, freedom), (mean_0, spread_0, freedom_0) = one, other
    both = spread + spread_0
    if not np.isfinite(both):
        return Interval(mean - mean_0, float("-inf"), float("inf"))
    parts = spread**2 / freedom + spread_0**2 / freedom_0
    reach = float(stats.t.ppf(0.5 + _CONFIDENCE / 2, both**2 / parts)) * both**0.5 if parts else 0.0
    return Interval(mean - mean_0, mean - mean_0 - reach, mean - mean_0 + reach)


def _ends(name: str, interval: Interval | None) -> dict[str, float]:
    ends = (interval.mean, interval.low, interval.high) if interval else (np.nan,) * 3
    return dict(zip((name, f"{name}, low", f"{name}, high"), ends, strict=True))

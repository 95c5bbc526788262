"""The policy that learns: advantages over silence by Bayesian linear regression on factors, tried by inverse gaps.

A message's value is the sum of what its channel, delay, hour, argument and incentive do to this kind of customer, and
of how pairs of them differ from that; so every decision teaches about all actions that share something with it, and a
new slot begins with what is known of its parts. The nearer the best an action is, the more often it is tried, with odds
that sharpen with the root of what is known: whether to write at all first, then with what, when and where. At first
every other decision is what the shop's own rule says: a rule that was believed to be better would be left late where it
is not, and one that is followed all the time teaches nothing.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.advantages import Advantages, Prior
from models.policies.branching import branched
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions
from models.policies.organic import FittedOrganic, Organic
from models.policies.rule import Rule, certain, picked


@dataclass(frozen=True)
class FittedFactored:
    """What was learned, and the recipe by which it is used and learned further."""

    recipe: "Factored"
    organic: FittedOrganic
    advantages: Advantages
    name: str = "factored"

    def values(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The expected advantage over silence of each row, in units of the rewards' standard deviation."""
        return self.advantages.values(contexts, eligible, ())

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """Inverse-gap weighting of the values down a tree, and the rule for a share, on top of the floors."""
        known = np.full(len(contexts), self.advantages.weight)
        return self.recipe.tried(self.values(contexts, eligible), known, contexts, eligible)

    def updated(self, log: LoggedDecisions) -> "FittedFactored":
        """After `log` too. One log in two parts teaches what it teaches whole, but for how contexts are standardised:
        each row is by what was seen until its own part."""
        if not len(log):
            return self
        return FittedFactored(self.recipe, self.organic, self.recipe.learned(self.advantages, self.organic, log))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Sums, weights, labels and trees; nobody's own rows."""
        return {**self.organic.arrays(), **self.advantages.arrays()}


@dataclass(frozen=True)
class Factored:
    """The recipe. `rule` is what the shop did until now; without messages it begins with nothing. The share `follow` of
    the decisions is the rule's while nothing is known, half of it after `trust` decisions, a third after twice as many.

    `gamma` turns gaps (in standard deviations of the rewards) into odds, times the root of the decisions known, of
    which `memory` decisions and `half_life_days` bound the number. A decision whose reward is not mature counts
    `immature` of another. `uniform_share` and `silence` are the floors of `floor.py`.

    >>> policy = Factored().fit()
    >>> policy.probabilities(Contexts.of([{"cart_value": 40.0}]), Eligible.of([[({}, {}), ({"channel": "email"}, {})]]))
    array([0.5, 0.5])
    """

    name: ClassVar[str] = "factored"
    rule: Rule = field(default_factory=Rule)
    prior: Prior = field(default_factory=Prior)
    organic: Organic = field(default_factory=Organic)
    follow: float = 0.5
    trust: float = 1_000.0
    gamma: float = 30.0
    memory: float = 200_000.0
    half_life_days: float = 365.0
    immature: float = 0.5
    uniform_share: float = 0.05
    silence: float = 0.03

    def __post_init__(self) -> None:
        if not 0 <= self.follow <= 1 or self.trust <= 0:
            raise ValueError(
                f"a rule is followed in a share of 0 to 1 and trusted above 0, not {self.follow}, {self.trust}"
            )

    def tried(self, values: Floats, known: Floats, contexts: Contexts, eligible: Eligible) -> Floats:
        """The probability of each row by its value, where so many decisions (one number a decision) are `known`."""
        greedy = branched(values, eligible, self.gamma * np.sqrt(known)[eligible.decisions])
        if self.rule.series:
            share = (self.follow * self.trust / (self.trust + known))[eligible.decisions]
            greedy = (1 - share) * greedy + share * certain(picked(self.rule.series, contexts, eligible), eligible)
        return floored(greedy, eligible, self.uniform_share, self.silence)

    def fit(self, log: LoggedDecisions | None = None) -> FittedFactored:
        """Nothing known but the rule, or what `log` teaches, the organic model fitted on it first."""
        unknowing = Advantages.unknowing(self.prior)
        if log is None or not len(log):
            return FittedFactored(self, FittedOrganic(), unknowing)
        organic = self.organic.fit(log.contexts, log.rewards, np.where(log.matured, 1.0, self.immature))
        return FittedFactored(self, organic, self.learned(unknowing, organic, log))

    def learned(self, known: Advantages, organic: FittedOrganic, log: LoggedDecisions) -> Advantages:
        """What is `known`, and what `log` adds to it."""
        rewards = log.rewards - organic.expected(log.contexts)
        weights = np.where(log.matured, 1.0, self.immature)
        more = known.learned(log, rewards, weights, (), self.memory, self.half_life_days)
        return more.solved(self.prior)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedFactored:
        """The policy again."""
        return FittedFactored(self, FittedOrganic.restored(arrays), Advantages.restored(arrays))

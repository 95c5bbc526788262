"""Small shops whose best action is planted, and every recipe of the family with a rule in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.arrays import Floats
from models.policies.base import Policy, choose
from models.policies.best_fixed import BestFixed
from models.policies.beta_bernoulli import BetaBernoulli
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.factored import Factored
from models.policies.factored_thompson import FactoredThompson
from models.policies.logged import LoggedDecisions
from models.policies.rule import Message, Rule
from models.policies.sequential import Sequential
from models.policies.thompson import LinearThompson
from models.policies.uniform import Uniform

Action = tuple[Mapping[str, str], Mapping[str, float]]

RULE = Rule((Message("email", "1h", "reminder"), Message("sms", "24h", "reminder")))
LEARNING: dict[str, Policy] = {
    "beta_bernoulli": BetaBernoulli(),
    "linear_thompson": LinearThompson(scale=0.3),
    "factored_thompson": FactoredThompson(),
    "factored": Factored(),
    "sequential": Sequential(Factored()),
}
"""Those that explore by themselves and keep the floors."""

ALL: dict[str, Policy] = {
    **LEARNING,
    "uniform": Uniform(),
    "rule": RULE,
    "silent rule": Rule(),
    "best_fixed": BestFixed(),
    "factored with a rule": Factored(rule=RULE),
    "factored thompson with a rule": FactoredThompson(rule=RULE, draws=7),
    "sequential with a rule": Sequential(Factored(rule=RULE), steps=2, least=20.0),
    "all floors": Factored(uniform_share=1.0, silence=0.2),
}

SILENCE: Action = ({}, {})
MESSAGES: tuple[Action, ...] = tuple(
    (
        {"channel": channel, "delay": f"{delay}h", "hour": hour, "argument": argument},
        {"delay_hours": float(delay), "cost": cost},
    )
    for channel, cost in (("email", 0.01), ("sms", 0.05))
    for delay in (1, 24)
    for hour in ("09-12", "18-21")
    for argument in ("reminder", "low_stock")
)
_MENU = Eligible.of([[SILENCE, *MESSAGES]])


@dataclass(frozen=True)
class Shop:
    """Rewards of 1 with a chance of `base`, plus what is planted: `effects` by label, `personal` times the context.

    Nothing else in a context matters; a tenth of it is not known.
    """

    base: float = 0.3
    effects: Mapping[str, float] = field(default_factory=lambda: {"24h": 0.25, "1h": -0.2, "email": 0.05})
    personal: Mapping[str, float] = field(default_factory=dict)

    def asked(self, rng: np.random.Generator, n: int) -> tuple[Contexts, Eligible]:
        """`n` customers; silence and some of the messages are eligible, all for every other one."""
        values = rng.normal(size=(n, 3)) * [1.0, 20.0, 1.0] + [0.0, 60.0, 0.0]
        values[rng.random(n) < 0.1, 2] = np.nan
        offered = np.zeros((n, 1 + len(MESSAGES)), bool)
        offered[:, 0] = True
        for number in range(n):
            some = rng.permutation(len(MESSAGES))[: len(MESSAGES) if number % 2 else rng.integers(0, 9)]
            offered[number, 1 + some] = True
        rows = np.nonzero(offered)[1]
        starts = np.append(0, np.cumsum(offered.sum(axis=1)))
        eligible = Eligible(starts, _MENU.labels, _MENU.codes[rows], _MENU.numbers[rows])
        return Contexts(("taste", "cart_value", "opens"), values), eligible

    def chances(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The expected reward of each row."""
        taste = contexts.columns(["taste"])[eligible.decisions, 0]
        found = np.full(len(eligible.codes), self.base)
        for factor, labels in enumerate(eligible.labels):
            effects = np.array([*(self.effects.get(label, 0.0) for label in labels), 0.0])
            personal = np.array([*(self.personal.get(label, 0.0) for label in labels), 0.0])
            codes = eligible.codes[:, factor]
            found += effects[codes] + personal[codes] * taste
        return np.clip(found, 0.0, 1.0)

    def log(self, rng: np.random.Generator, n: int, policy: Policy | None = None) -> LoggedDecisions:
        """What a policy that knows nothing decided, and what came of it."""
        contexts, eligible = self.asked(rng, n)
        choice = choose((policy or Uniform()).fit().probabilities(contexts, eligible), eligible, rng.random(n))
        rewards = (rng.random(n) < self.chances(contexts, eligible)[choice.rows]).astype(np.float64)
        return LoggedDecisions.of(contexts, eligible, choice.rows, choice.propensities, rewards)

    def share(self, policy: Policy, rng: np.random.Generator, decisions: int = 3_000, batch: int = 250) -> float:
        """What `policy` earns in the second half of a game, 0 being what chance earns and 1 the best."""
        fitted, won = policy.fit(), np.zeros(3)
        for start in range(0, decisions, batch):
            contexts, eligible = self.asked(rng, batch)
            truth, chances = self.chances(contexts, eligible), fitted.probabilities(contexts, eligible)
            choice = choose(chances, eligible, rng.random(batch))
            rewards = (rng.random(batch) < truth[choice.rows]).astype(np.float64)
            log = LoggedDecisions.of(contexts, eligible, choice.rows, choice.propensities, rewards)
            fitted = fitted.updated(log)
            if start >= decisions // 2:
                even = truth / eligible.counts[eligible.decisions]
                won += [even.sum(), (chances * truth).sum(), eligible.most(truth).sum()]
        chance, got, best = won
        return float((got - chance) / (best - chance))

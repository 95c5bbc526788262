"""How much each model asks for before it can be trusted, and how far the shop is.

The thresholds stand here once, each with its reason; the gates decide in the end, on the data themselves.
"""

from dataclasses import dataclass
from typing import Literal

What = Literal["repeat_buyers", "periodic_pairs", "decisions"]

REPEAT_BUYERS = 500
"""For recommendations: customers who bought on two days or more. They are judged by who finds again what was hidden; a
share among 500 customers is known to 4.4 points at worst (1.96 * sqrt(0.25 / 500))."""

PERIODIC_PAIRS = 1_000
"""For restocking: (customer, product) bought on three days or more. Two intervals are the least that says anything of a
pace, and a share of 1,000 of them is known to 3.1 points at worst."""

DECISIONS = 5_000
"""For policies: two groups of 2,500 tell a conversion of 7 % from one of 5 % four times out of five, at the usual
significance of 5 % (16 p (1 - p) / d^2 customers a group)."""

RETURNING = 100
"""For send times: customers who came back in four weeks; its training asks for as many (`training/send_time.py`)."""


@dataclass(frozen=True)
class Need:
    """What a model asks for, and how much of it there is; `model` is the name that it is registered under."""

    model: str
    what: What
    have: int
    need: int

    @property
    def missing(self) -> int:
        """How many more it takes; 0 when there are enough."""
        return max(0, self.need - self.have)


def needs(repeat_buyers: int, periodic_pairs: int, decisions: int) -> tuple[Need, ...]:
    """What each model asks for.

    >>> [(need.model, need.missing) for need in needs(repeat_buyers=320, periodic_pairs=2_000, decisions=0)]
    [('recommender', 180), ('send-time', 0), ('replenishment', 0), ('policy', 5000)]
    """
    return (
        Need("recommender", "repeat_buyers", repeat_buyers, REPEAT_BUYERS),
        Need("send-time", "repeat_buyers", repeat_buyers, RETURNING),
        Need("replenishment", "periodic_pairs", periodic_pairs, PERIODIC_PAIRS),
        Need("policy", "decisions", decisions, DECISIONS),
    )

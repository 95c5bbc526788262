"""What a message does to the odds of buying: by channel, delay, hour, argument and incentive, and by whom it reaches.

Signed after two randomised studies of 40,500 and 23,900 carts (Li, Luo, Lu and Moriguchi, Journal of Marketing 2021): a
reminder within the hour lowers purchases, one after one to three days raises them, and both more so for big and dear
carts. What of these effects differs from person to person is drawn once a world.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.arrays import Codes, Floats
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from training.simulator.customers import TRAITS, pressure, traits
from training.simulator.shop_hours import HOURS, ORDERS_BY_HOUR

_USUAL: Mapping[str, Mapping[str, float]] = {
    "channel": {"email": 0.0, "push": -0.04, "sms": 0.06},
    "delay": {
        "1h": -0.45,
        "3h": -0.2,
        "6h": -0.08,
        "12h": 0.05,
        "24h": 0.18,
        "48h": 0.13,
        "72h": 0.10,
        "96h": 0.06,
        "120h": 0.04,
    },
    "argument": {"reminder": 0.0, "low_stock": 0.0},
    "incentive": {"discount_10": 0.22},
}
"""What each label adds to the log odds for the average customer."""

_KNOWN: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "channel": {"email": {"opens": 0.10}, "push": {"mobile": 0.10}},
    "delay": {
        "1h": {"big": -0.10, "dear": -0.10, "late": 0.12},
        "6h": {"late": 0.10},
        "24h": {"big": 0.08, "dear": 0.08},
        "48h": {"big": 0.08, "dear": 0.10, "late": -0.10},
        "72h": {"big": 0.08, "dear": 0.10, "late": -0.15},
    },
    "argument": {"low_stock": {"loyal": -0.10}},
    "incentive": {"discount_10": {"dear": 0.12, "loyal": -0.12}},
}
"""By how much more for each unit of a trait."""

_FLIPPED = {"1h": "48h", "6h": "24h", "24h": "6h", "48h": "1h", "72h": "1h"}


@dataclass(frozen=True)
class Response:
    """How strong each part is: `scale` multiplies all effects, `diversity` is the deviation of what is drawn a world.

    `fatigue` is taken from the odds by each message that is still felt, half of it forgotten every `half_life` days.
    With `personal` False everybody reacts alike; `harm` is taken from every message; `flipped` swaps early and late.
    """

    scale: float = 1.5
    diversity: float = 0.06
    hours: float = 0.10
    fatigue: float = 0.06
    half_life: float = 15.0
    harm: float = 0.0
    personal: bool = True
    flipped: bool = False
    dead: bool = False

    def log_odds(self, seed: int, known: Contexts, eligible: Eligible) -> Floats:
        """What each row adds to the log odds of buying; 0 for silence. Shape (rows)."""
        spoken = ~eligible.silent
        if self.dead:
            return np.zeros(len(spoken))
        of = eligible.decisions
        who = traits(known)
        added = np.full(len(spoken), -self.harm)
        for factor, labels in enumerate(eligible.labels):
            usual, personal = self._effects(seed, FACTORS[factor], labels)
            codes: Codes = eligible.codes[:, factor]
            table = np.vstack(
                [usual + (who @ personal.T if self.personal else 0.0 * who[:, :1]), np.zeros(len(labels))]
            )
            added += np.where(codes >= 0, table[of, codes], 0.0) if labels else 0.0
        if self.personal:
            added -= self.fatigue * pressure(known, self.half_life)[of]
        return np.where(spoken, self.scale * added, 0.0)

    def _effects(self, seed: int, factor: str, labels: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Of each label: for the average customer, shape (labels), and by trait, shape (labels, TRAITS)."""
        usual, personal = np.zeros(len(labels)), np.zeros((len(labels), len(TRAITS)))
        for place, label in enumerate(labels):
            name = _FLIPPED.get(label, label) if self.flipped else label
            drawn = np.random.default_rng([seed, *f"{factor} {name}".encode()]).normal(size=1 + len(TRAITS))
            known = _KNOWN.get(factor, {}).get(name, {})
            usual[place] = _usual(factor, name, self.hours)
            if factor not in {"hour", "weekday"}:
                usual[place] += self.diversity / 4 * drawn[0]
                personal[place] = self.diversity * drawn[1:] + [known.get(trait, 0.0) for trait in TRAITS]
            elif factor == "hour":
                personal[place, TRAITS.index("evening")] = self.hours * np.sign(int(name[:2]) - 14)
        return usual, personal


def _usual(factor: str, name: str, hours: float) -> float:
    """A local hour is worth the logarithm of how many orders come in it, over the average hour's."""
    if factor != "hour":
        return _USUAL.get(factor, {}).get(name, 0.0)
    start = int(name[:2])
    return hours * float(np.log(np.mean(ORDERS_BY_HOUR[start : start + 3]) * HOURS))

"""What is attainable in a made shop: by enumerating the actions, as their expected rewards are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from training.simulator.world import World

FIXED = ("channel", "delay", "argument", "incentive")
"""What a fixed rule fixes; the hour and the weekday follow from when the cart was left."""


@dataclass(frozen=True)
class Optimum:
    """Mean reward of a decision when nothing is said, when all get the same message, and when each gets its best.

    `fixed` is silence for those who may not be written to in the channel of the `message`.
    """

    silence: float
    fixed: float
    best: float
    message: tuple[str, ...]

    def share(self, value: float) -> float:
        """The share of the attainable lift: 0 when nothing is said, 1 at the best."""
        return (value - self.silence) / (self.best - self.silence)


def silence_values(eligible: Eligible, values: Floats) -> Floats:
    """The expected reward of saying nothing in each decision."""
    return eligible.total(np.where(eligible.silent, values, 0.0))


def optimum(world: World, known: Contexts, eligible: Eligible) -> Optimum:
    """The optimum over these customers."""
    values = world.values(known, eligible)
    silent = silence_values(eligible, values)
    messages = sorted({labels for labels in fixed_labels(eligible) if labels[0]})
    means = [fixed_value(eligible, values, message) for message in messages]
    best = int(np.argmax(means))
    return Optimum(float(silent.mean()), means[best], float(eligible.most(values).mean()), messages[best])


def fixed_value(eligible: Eligible, values: Floats, message: Sequence[str]) -> float:
    """The mean expected reward when everybody gets `message`, in the order of `FIXED`."""
    rows = sending(eligible, message)
    sent = eligible.total(np.where(rows, values, 0.0))
    return float(np.where(eligible.total(rows.astype(np.float64)) > 0, sent, silence_values(eligible, values)).mean())


def sending(eligible: Eligible, message: Sequence[str]) -> Mask:
    """The rows that send `message`; at most one a decision."""
    chosen = np.ones(len(eligible.codes), bool)
    for name, label in zip(FIXED, message, strict=True):
        factor = FACTORS.index(name)
        known = eligible.labels[factor]
        chosen &= eligible.codes[:, factor] == (known.index(label) if label in known else -1)
    return chosen


def fixed_labels(eligible: Eligible) -> set[tuple[str, ...]]:
    """Every message that is on offer, as labels in the order of `FIXED`."""
    places = [FACTORS.index(name) for name in FIXED]
    distinct = np.unique(eligible.codes[:, places], axis=0)
    return {
        tuple(eligible.labels[place][code] if code >= 0 else "" for place, code in zip(places, row, strict=True))
        for row in distinct
    }

"""Which messages a made shop may send, written as the eligible actions of a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.policies.eligible import FACTORS, NUMBERS, Eligible
from training.simulator.shop_hours import HOURS

HOUR_CLASSES = tuple(f"{start:02d}-{start + 3:02d}" for start in range(0, HOURS, 3))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Delay:
    """How long after the cart was left a message is sent."""

    name: str
    hours: float


@dataclass(frozen=True)
class Content:
    """What a message says and gives; `share` of the order's value is given away."""

    argument: str
    incentive: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Channel:
    """Where a message goes: what it costs, and which share of customers may be written to there."""

    name: str
    cost: float
    consent: float = 1.0


@dataclass(frozen=True)
class Menu:
    """All messages: each channel at each delay with each content, 24 by default, and silence before them.

    The local hour follows from when the cart was left: a delay that is good by itself may end in the night.
    """

    channels: Sequence[Channel] = (Channel("email", 0.01), Channel("push", 0.005))
    delays: Sequence[Delay] = (Delay("1h", 1.0), Delay("6h", 6.0), Delay("24h", 24.0), Delay("48h", 48.0))
    contents: Sequence[Content] = (
        Content("reminder"),
        Content("low_stock"),
        Content("reminder", "discount_10", 0.1),
    )

    def __len__(self) -> int:
        return len(self.channels) * len(self.delays) * len(self.contents)

    def consents(self, rng: np.random.Generator, n: int) -> Mask:
        """Who of `n` customers may be written to where, shape (n, channels)."""
        return np.asarray(rng.random((n, len(self.channels))) < [channel.consent for channel in self.channels])

    def eligible(self, left_at: Floats, cart_values: Floats, consents: Mask) -> Eligible:
        """Silence and every message in a channel that the customer agreed to."""
        n, one = len(left_at), len(self) + 1
        places = np.array(list(product(*(range(len(part)) for part in (self.channels, self.delays, self.contents)))))
        labels = (
            tuple(sorted({channel.name for channel in self.channels})),
            tuple(sorted({delay.name for delay in self.delays})),
            HOUR_CLASSES,
            tuple(sorted(WEEKDAYS)),
            tuple(sorted({content.argument for content in self.contents})),
            tuple(sorted({content.incentive for content in self.contents if content.incentive})),
        )
        codes = np.full((n, one, len(FACTORS)), -1, np.int32)
        numbers = np.zeros((n, one, len(NUMBERS)))
        channel, delay, content = places.T
        hours = np.array([each.hours for each in self.delays])[delay]
        sent_at = (left_at[:, None] + hours).astype(np.int64)
        weekdays = np.array([labels[3].index(day) for day in WEEKDAYS])
        codes[:, 1:, 0] = _coded([each.name for each in self.channels], labels[0])[channel]
        codes[:, 1:, 1] = _coded([each.name for each in self.delays], labels[1])[delay]
        codes[:, 1:, 2] = sent_at % HOURS // 3
        codes[:, 1:, 3] = weekdays[sent_at // HOURS % 7]
        codes[:, 1:, 4] = _coded([each.argument for each in self.contents], labels[4])[content]
        codes[:, 1:, 5] = _coded([each.incentive for each in self.contents], labels[5])[content]
        numbers[:, 1:, 0] = hours
        numbers[:, 1:, 2] = np.array([each.cost for each in self.channels])[channel]
        numbers[:, 1:, 3] = np.array([each.share for each in self.contents])[content] * cart_values[:, None]
        allowed = np.column_stack([np.ones(n, bool), consents[:, channel]])
        starts = np.concatenate([[0], np.cumsum(allowed.sum(axis=1))]).astype(np.int64)
        return Eligible(starts, labels, codes[allowed], numbers[allowed])


def _coded(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int32]:
    return np.array([labels.index(name) if name else -1 for name in names], np.int32)

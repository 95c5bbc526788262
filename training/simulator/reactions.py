"""What an engine reports of the messages of a made shop: arrived, opened, clicked, claimed.

None of it moves a reward, which is what the shop earns; it is there so that reports of engines can be tried out. Who
opens many messages opens this one, more so in the hours in which people shop; who buys after it mostly clicked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from training.simulator.shop_hours import HOURS, ORDERS_BY_HOUR


@dataclass(frozen=True)
class Reactions:
    """One entry a message: whether each was reported, and how many hours after the sending it was opened."""

    delivered: Mask
    opened: Mask
    opened_by_machine: Mask
    clicked: Mask
    claimed: Mask
    after_hours: Floats


@dataclass(frozen=True)
class Engine:
    """How reliable an engine and its channels are; `clicks` of those who opened and did not buy, or did."""

    delivered: float = 0.97
    machines: float = 0.06
    clicks: tuple[float, float] = (0.15, 0.6)

    def reactions(self, rng: np.random.Generator, known: Contexts, hours: NDArray[np.int64], bought: Mask) -> Reactions:
        """What becomes of one message to each of `known`, sent at these local `hours`; `bought` says who ordered later.

        >>> rng, known = np.random.default_rng(0), Contexts.of([{"opens_share": 0.5}] * 1_000)
        >>> noon, night = (Engine().reactions(rng, known, np.full(1_000, h), np.zeros(1_000, bool)) for h in (12, 4))
        >>> bool(noon.opened.sum() > 1.5 * night.opened.sum())
        True
        """
        n, activity = len(hours), np.array(ORDERS_BY_HOUR)[hours] * HOURS
        opens = np.nan_to_num(known.columns(["opens_share"])[:, 0], nan=0.3)
        delivered = rng.random(n) < self.delivered
        opened = delivered & (rng.random(n) < np.clip(opens * (0.4 + 0.6 * activity), 0.01, 0.9))
        clicked = opened & (rng.random(n) < np.where(bought, self.clicks[1], self.clicks[0]))
        return Reactions(
            delivered=delivered,
            opened=opened,
            opened_by_machine=delivered & (rng.random(n) < self.machines),
            clicked=clicked,
            claimed=clicked & bought,
            after_hours=rng.exponential(2.0, n) + 0.05,
        )

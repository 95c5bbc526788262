"""When an order comes that a message caused, and when the shop hears of it."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from training.simulator.organic import WINDOW_HOURS


@dataclass(frozen=True)
class Delays:
    """Hours from message to order follow an exponential law with mean `hours`, cut where the window closes; news of
    anything takes `news_hours` on average. An order's size scatters about the cart's by a log-normal of `spread`."""

    hours: float = 10.0
    news_hours: float = 2.0
    spread: float = 0.4
    window_days: float = WINDOW_HOURS / 24

    def after(self, rng: np.random.Generator, sent: Floats) -> Floats:
        """Hours after the cart was left of the orders that messages `sent` hours after it caused."""
        left = np.maximum(24 * self.window_days - sent, 0.0)
        most = -np.expm1(-left / self.hours)
        return sent - self.hours * np.log1p(-rng.random(len(sent)) * most)

    def news(self, rng: np.random.Generator, n: int) -> Floats:
        """Days from an order, or from the window's close, until it is known."""
        days: Floats = rng.exponential(self.news_hours / 24, n)
        return days

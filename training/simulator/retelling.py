"""What is known of an open window: orders that came are known, the others are expected by the law of their delays."""

from dataclasses import replace

import numpy as np

from models.arrays import Floats
from models.policies.logged import LoggedDecisions
from training.policy.maturing import still_to_come
from training.simulator.organic import WINDOW_HOURS
from training.simulator.world import Drawn


def imputed(log: LoggedDecisions, fate: Drawn, age: Floats) -> LoggedDecisions:
    """`log` as one may know it when the share `age` of each window is over; matured is what has age 1.

    Who has ordered has their reward. Who has not is told what the log teaches to expect of an order still to come, less
    what was spent: by delay of the message, as the later one is sent, the later orders come. Some windows have to be
    closed, or nothing is expected. Somebody who left the channel is known at once.
    """
    hours = age * (WINDOW_HOURS + 1e-6)
    after = 24 * fate.bought_after
    seen = fate.bought & (after <= hours)
    spent = np.where(fate.bought, 0.0, fate.rewards)
    rewards = np.where(seen, fate.rewards, spent)
    delays = np.where(log.eligible.silent[log.chosen], -1.0, log.eligible.numbers[log.chosen, 0])
    windows = np.full(len(log), float(WINDOW_HOURS))
    expected = still_to_come(delays.tolist(), hours, windows, np.where(seen, after, np.nan), fate.rewards * seen)
    rewards += np.where(seen, 0.0, np.nan_to_num(expected))
    return replace(log, rewards=np.where(age < 1, rewards, log.rewards), matured=age >= 1)

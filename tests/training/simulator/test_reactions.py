"""What engines report in a made shop hangs together: nobody clicks what did not arrive."""

import numpy as np

from training.simulator.reactions import Engine
from training.simulator.world import World


def test_each_step_needs_the_one_before() -> None:
    rng = np.random.default_rng(0)
    known = World(1).contexts(rng, 3_000)[0]
    bought = rng.random(3_000) < 0.2
    found = Engine().reactions(rng, known, np.full(3_000, 12), bought)
    assert not (found.opened & ~found.delivered).any()
    assert not (found.clicked & ~found.opened).any()
    assert not (found.claimed & ~(found.clicked & bought)).any()
    assert 0 < found.clicked.sum() < found.opened.sum() < found.delivered.sum() < 3_000
    assert found.clicked[bought].mean() > 2 * found.clicked[~bought].mean()
    assert (found.after_hours > 0).all()

"""A training that waits for its test, in processes of Ray: what this does, each of them does when it begins."""

import time
from typing import Any

from models.recommenders.transformer_checkpoint import Checkpoints

HELD = "held"
"""As long as a file of this name lies in the folder of a training, it does not go on after its first epoch."""


def hold_after_the_first_epoch() -> None:
    """Whoever saves waits, and the others wait for him in the sum of the next batch."""
    really = Checkpoints.save

    def save(checkpoints: Checkpoints, epochs: int, arrays: Any) -> None:
        really(checkpoints, epochs, arrays)
        while epochs == 1 and (checkpoints.folder / HELD).exists():
            time.sleep(0.05)

    Checkpoints.save = save  # type: ignore[method-assign]

"""How true the probabilities of a version came when it was judged, as a table that stays with the version."""

import numpy as np
import pandas as pd

from training.metrics.survival import WINDOWS
from training.replenishment.timing import Timing

CALIBRATION = "calibration"
"""The title of the table among the evidence of a version."""


def reliabilities(timing: Timing, name: str) -> pd.DataFrame:
    """One row a window of days and a bin of forecasts of `name`: what was foreseen, what came true, how many."""
    told = timing.of(name).parts["all"].reliability
    return pd.DataFrame(
        {
            "days": np.concatenate([np.full(len(told[days].rows), days) for days in WINDOWS]),
            "foreseen": np.concatenate([told[days].predicted for days in WINDOWS]),
            "happened": np.concatenate([told[days].observed for days in WINDOWS]),
            "pairs": np.concatenate([told[days].rows for days in WINDOWS]).astype(np.int64),
        }
    )

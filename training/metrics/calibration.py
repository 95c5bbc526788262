"""Whether a stated probability is right: of those who were told 30 %, did 30 % come?"""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask

BINS = 20


@dataclass(frozen=True)
class Reliability:
    """Mean probability, share that came, and number of rows of each bin, by rising probability."""

    predicted: Floats
    observed: Floats
    rows: Floats

    @property
    def error(self) -> float:
        """The mean distance of the two, weighted by rows."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.rows)) if len(self.rows) else 0.0


def reliability(chances: Floats, came: Mask, bins: int = BINS) -> Reliability:
    """Rows in `bins` of equal size by their probability; equal probabilities stay together, so no order of rows counts.

    >>> reliability(np.array([0.2, 0.2, 0.6, 0.6]), np.array([False, False, True, False]), 2).observed.tolist()
    [0.0, 0.5]
    """
    _, places, counts = np.unique(chances, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    bin_of = np.minimum((middle / max(len(chances), 1) * bins).astype(np.int64), bins - 1)[places]
    rows = np.bincount(bin_of, minlength=bins).astype(np.float64)
    held = rows > 0
    predicted, observed = (np.bincount(bin_of, values, bins)[held] / rows[held] for values in (chances, came))
    return Reliability(predicted, observed, rows[held])


def expected_calibration_error(chances: Floats, came: Mask, bins: int = BINS) -> float:
    """The mean distance between probability and share that came, in bins of equal size (Naeini et al., 2015).

    >>> expected_calibration_error(np.array([0.5, 0.5]), np.array([True, False]))
    0.0
    """
    return reliability(chances, came, bins).error

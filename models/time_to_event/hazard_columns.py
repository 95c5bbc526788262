"""The columns that the hazard's trees see: a pair's own past, what is known of its unit, and how late the cell is.

Nothing in them moves with the day of asking while nothing is bought, but for `FALLING`, with which a hazard may only
fall. `elapsed` and `span` are left out for that reason; how long it has been says the cell.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.booster import Matrix
from models.time_to_event.habits import HABITS
from models.time_to_event.intervals import INTERVALS
from models.time_to_event.loyalty import LOYALTY
from models.time_to_event.pairs import Pairs
from models.time_to_event.pieces import Cells, Pieces
from models.time_to_event.rhythm import RHYTHM
from models.time_to_event.unit_facts import FACTS

OWN = (*INTERVALS, *HABITS, *RHYTHM, *LOYALTY)
LATE = (
    "cell",
    "age",
    "age_by_mean",
    "age_by_median",
    "age_by_last",
    "age_by_longest",
    "age_by_trips",
    "own_score",
    "unit_score",
)
"""`cell` is its middle in days since the last trip, `age` the same since the pair's last purchase; then the age in
units of the pair's intervals, the cell in those between trips, and the age's standard score among the logs of the
pair's intervals (drawn to common ones) and its log beyond the unit's."""
COLUMNS = (*OWN, *FACTS, *LATE)
FALLING = tuple(name in ("quiet", "department_quiet") for name in COLUMNS)
_VARIANCE = 0.5
_TRIP_INTERVAL = 30.0


def matrix(pairs: Pairs, facts: NDArray[np.float32], pieces: Pieces, cells: Cells) -> Matrix:
    """`COLUMNS` of every piece; `facts` (pairs, facts) are those of each pair's unit as of the pair's day."""
    own = np.stack([pairs.columns[name] for name in OWN], axis=1).astype(np.float32)
    late = _late(pairs, facts[:, FACTS.index("usual_log_interval")], pieces, cells)
    told = np.concatenate([own, facts], axis=1)
    rows = np.empty((len(pieces), len(COLUMNS)), np.float32)
    rows[:, : told.shape[1]] = told[pieces.rows]
    for place, column in enumerate(late, told.shape[1]):
        rows[:, place] = column
    return rows


def _late(pairs: Pairs, usual_log: NDArray[np.float32], pieces: Pieces, cells: Cells) -> Sequence[Floats]:
    own, of = pairs.columns, pieces.rows
    middle = cells.middles[pieces.cells]
    age = (own["elapsed"] - own["quiet"])[of] + middle
    log_age = np.log(age)
    spread = np.sqrt(0.5 * np.where(np.isnan(own["log_variance"]), _VARIANCE, own["log_variance"]) + 0.3)
    between = np.where(np.isnan(own["trip_interval"]), _TRIP_INTERVAL, np.maximum(own["trip_interval"], 0.5))
    return [
        middle,
        age,
        age / np.maximum(own["mean_interval"], 1.0)[of],
        age / np.maximum(own["median_interval"], 1.0)[of],
        age / np.maximum(own["last_interval"], 1.0)[of],
        age / np.maximum(own["longest_interval"], 1.0)[of],
        middle / between[of],
        (log_age - own["log_mean"][of]) / spread[of],
        log_age - usual_log[of],
    ]

"""Gradient-boosted trees, kept as the text that LightGBM writes: chances of a yes, or rates of events over exposure.

Ke et al., "LightGBM: a highly efficient gradient boosting decision tree" (NeurIPS 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.leaf_masks import LeafMasks

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Trees:
    """How the trees grow. One thread and no sampling of rows: the same data give the same trees in any order."""

    count: int = 100
    leaves: int = 31
    learning_rate: float = 0.08
    smallest_leaf: int = 100
    column_share: float = 0.6
    l2: float = 10.0
    seed: int = 7

    def grown(self, rows: Matrix, wanted: NDArray[np.bool_]) -> "Booster":
        """Fit to `wanted` (rows,) by logistic loss; scores are log-odds."""
        return self._grown({"objective": "binary"}, rows, wanted.astype(np.float32), None)

    def grown_rates(
        self, rows: Matrix, events: NDArray[np.bool_], exposure: Floats, falling: Sequence[bool]
    ) -> "Booster":
        """Fit to `events` (rows,) that are expected in proportion to `exposure` (rows,), by Poisson loss.

        Scores are logarithms of the factor on the exposure; they never rise with a column that is `falling` (columns,).
        """
        settings = {"objective": "poisson", "monotone_constraints": [-int(falls) for falls in falling]}
        return self._grown(settings, rows, events.astype(np.float32), np.log(exposure))

    def _grown(self, task: dict[str, Any], rows: Matrix, labels: Matrix, offset: Floats | None) -> "Booster":
        settings = {
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.smallest_leaf,
            "feature_fraction": self.column_share,
            "lambda_l2": self.l2,
            "max_bin": 127,
            "seed": self.seed,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            **task,
        }
        data = lightgbm.Dataset(rows, labels, init_score=offset, params=settings)
        grown = lightgbm.train(settings, data, self.count)
        return Booster(np.frombuffer(grown.model_to_string().encode(), np.uint8))


@dataclass(frozen=True)
class Booster:
    """`text` is LightGBM's own format, as bytes (length,)."""

    text: NDArray[np.uint8]
    _trees: lightgbm.Booster = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_trees", lightgbm.Booster(model_str=self.text.tobytes().decode()))

    @cached_property
    def masks(self) -> LeafMasks | None:
        """The same trees asked by masks, which is cheaper where rows share columns; None where masks cannot say it."""
        return LeafMasks.of(self.text.tobytes().decode())

    def scores(self, rows: Matrix) -> Floats:
        """What the trees add up to for each row, without an offset."""
        return np.asarray(self._trees.predict(rows, raw_score=True, num_threads=1), np.float64)

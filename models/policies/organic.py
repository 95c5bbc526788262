"""The organic model: what a customer brings in whatever is done, from what is known when a decision is made.

Most of a reward is bought without us. What boosted trees expect of each context is taken off before a policy learns,
and what is left is mostly the difference that actions make, and noise.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.contexts import Contexts


@dataclass(frozen=True)
class FittedOrganic:
    """`text` is LightGBM's own format as bytes, empty where nothing was learned; `names` are the columns it reads."""

    names: tuple[str, ...] = ()
    text: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    _trees: lightgbm.Booster | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if len(self.text):
            object.__setattr__(self, "_trees", lightgbm.Booster(model_str=self.text.tobytes().decode()))

    def expected(self, contexts: Contexts) -> Floats:
        """The reward to expect of each decision; 0 where nothing was learned."""
        if self._trees is None:
            return np.zeros(len(contexts))
        return np.asarray(self._trees.predict(contexts.columns(self.names), num_threads=1), np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For `npz`."""
        return {"organic_names": np.array(self.names, object), "organic_text": self.text}

    @classmethod
    def restored(cls, arrays: dict[str, NDArray[Any]]) -> "FittedOrganic":
        """From `arrays()`."""
        return cls(tuple(arrays["organic_names"].tolist()), arrays["organic_text"])


@dataclass(frozen=True)
class Organic:
    """The recipe: few leaves and many rows in each, as rewards are rare and noisy."""

    name: ClassVar[str] = "organic"
    trees: int = 60
    leaves: int = 8
    learning_rate: float = 0.05
    smallest_leaf: int = 200
    l2: float = 10.0
    seed: int = 7

    def fit(self, contexts: Contexts, rewards: Floats, weights: Floats) -> FittedOrganic:
        """Learn from `rewards` and their `weights` (decisions); from fewer than four leaves' worth, nothing."""
        if len(contexts) < 4 * self.smallest_leaf or not contexts.names:
            return FittedOrganic()
        settings = {
            "objective": "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.smallest_leaf,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        data = lightgbm.Dataset(contexts.values, rewards, weight=weights, params=settings)
        grown = lightgbm.train(settings, data, self.trees)
        return FittedOrganic(contexts.names, np.frombuffer(grown.model_to_string().encode(), np.uint8))

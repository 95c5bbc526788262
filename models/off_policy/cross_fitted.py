"""What a reward model says of each decision without having seen its customer, and how sure it is of that.

A value rests on the model in two ways: by chance, as other rewards had taught it something else, and because it shrinks
what it learned. Both can be written down since the model is parametric.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask


@dataclass(frozen=True)
class CrossFitted:
    """The expected reward of every eligible row, by a model that has not seen the customers of the row's fold.

    `asked` (folds, features) is how the expected reward of the policy leans on each coefficient, `chosen` (decisions,
    features) how that of what was taken does; `inverses` are those of the information of each fold's model. `held`
    (features) is how hard the prior pulls each coefficient to 0, as a root, in the unit of the reward.
    """

    predicted: Floats
    folds: NDArray[np.int64]
    asked: Floats
    chosen: Floats
    means: Floats
    residuals: Floats
    inverses: tuple[Floats, ...]
    held: Floats

    def carried(self, weights: Floats) -> Floats:
        """What each decision adds to a value through the model that learned from it; one a decision, mean about 0.

        `weights` are those with which what the model missed was added to what it expects. Added to the contributions
        it makes their spread that of the value with the model learned anew, to first order (the delta method).
        """
        if not self.inverses:
            return np.zeros(len(self.folds))
        passed = ((self.chosen @ self._steps(weights).T) * ~self._inside.T).sum(axis=1)
        carried: Floats = passed * self.residuals
        return carried

    def doubt(self, weights: Floats) -> Floats:
        """What the value may miss because coefficients are shrunk, in parts (features) whose squares add up to the
        expected square of it.

        The spread of `carried` is that of the estimate around its own mean; how far that mean lies from the truth no
        resampling shows, but the prior says how large the coefficients are that were pulled to 0. Both together are the
        posterior variance, whose intervals cover on average over policies (Wahba 1983; Nychka 1988). The last parts
        are those of what the policy likes, and mean another thing for another policy.
        """
        if not self.inverses:
            return np.zeros(len(self.held))
        doubt: Floats = self.held * self._steps(weights).sum(axis=0) / len(self.folds)
        return doubt

    @property
    def _inside(self) -> Mask:
        """Which decisions (columns) are in which fold (rows)."""
        inside: Mask = self.folds == np.arange(len(self.inverses))[:, None]
        return inside

    def _steps(self, weights: Floats) -> Floats:
        """How far the sum of the value over a fold goes with the score of each coefficient; shape (folds, features)."""
        own = (self._inside * (weights * self.means)) @ self.chosen
        return np.array([inverse @ lean for inverse, lean in zip(self.inverses, self.asked - own, strict=True)])

"""Linear Thompson sampling, each arm on its own: an action is taken as often as it is likely to be the best.

Agrawal and Goyal, "Thompson sampling for contextual bandits with linear payoffs" (ICML 2013). The value of an arm is
linear in the contexts and their squares. Arms share nothing, so their chances to be the best are an integral over one
normal each and need no sampling: propensities are those of `quadrature.py`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.policies.arms import arms_of, grown
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions
from models.policies.quadrature import best_of_normals
from models.policies.standardised import Standardised

_AT_ONCE = 2_000_000
"""Numbers in memory at once."""


@dataclass(frozen=True)
class FittedLinearThompson:
    """`covariances` (arms, columns, columns) and `means` (arms, columns) are the posteriors of `arms`, by name.

    The unit of the covariances is the noise of one reward.
    """

    recipe: "LinearThompson"
    contexts: Standardised
    arms: Ids
    covariances: Floats
    means: Floats
    name: str = "linear_thompson"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The chance to be the best, on top of the floors. Of an arm that was never seen, the prior speaks."""
        columns = _columns(self.contexts, contexts)
        arms, decisions = arms_of(eligible, self.arms), eligible.decisions
        prior = (columns**2).sum(axis=1)[decisions] / self.recipe.precision
        values, variances = np.zeros(len(arms)), prior
        known = np.flatnonzero(arms >= 0)
        step = max(1, _AT_ONCE // columns.shape[1] ** 2)
        for start in range(0, len(known), step):
            rows = known[start : start + step]
            # One product of matrices a row, so that a row has the same bits in any batch.
            at = columns[decisions[rows], None, :]
            values[rows] = np.matmul(at, self.means[arms[rows], :, None])[:, 0, 0]
            variances[rows] = np.matmul(np.matmul(at, self.covariances[arms[rows]]), at.transpose(0, 2, 1))[:, 0, 0]
        deviations = self.recipe.scale * np.sqrt(np.maximum(variances, 1e-12))
        return floored(
            best_of_normals(values, deviations, eligible), eligible, self.recipe.uniform_share, self.recipe.silence
        )

    def updated(self, log: LoggedDecisions) -> "FittedLinearThompson":
        """After `log` too: in two parts it teaches what it does whole, but for how contexts are standardised."""
        if not len(log):
            return self
        contexts = self.contexts.grown(log.contexts)
        arms, places = grown(self.arms, log.eligible)
        width = len(_names(contexts))
        if self.means.shape == (len(arms), width):
            covariances, means = self.covariances.copy(), self.means.copy()
        else:
            covariances = np.tile(np.eye(width) / self.recipe.precision, (len(arms), 1, 1))
            means = np.zeros((len(arms), width))
            old = self._places(contexts)
            covariances[places[:, None, None], old[:, None], old] = self.covariances
            means[places[:, None], old] = self.means
        columns = _columns(contexts, log.contexts)
        chosen = arms_of(log.eligible, arms)[log.chosen]
        noise = np.where(log.matured, 1.0, 1.0 / self.recipe.immature)
        for arm in np.unique(chosen):
            rows = np.flatnonzero(chosen == arm)
            for part in np.array_split(rows, -(-len(rows) // 256)):
                _learn(covariances[arm], means[arm], columns[part], log.rewards[part], noise[part])
        return FittedLinearThompson(self.recipe, contexts, arms, covariances, means)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Posteriors by arm."""
        posteriors = {"arms": self.arms, "covariances": self.covariances, "means": self.means}
        return {**self.contexts.arrays(), **posteriors}

    def _places(self, grown: Standardised) -> NDArray[np.int64]:
        """Where the columns of the own contexts are found among those of the `grown` ones."""
        now = {name: place for place, name in enumerate(_names(grown))}
        return np.array([now[name] for name in _names(self.contexts)], np.int64)


def _names(contexts: Standardised) -> tuple[str, ...]:
    return (*contexts.columns, *(f"{name}²" for name in contexts.names))


def _columns(known: Standardised, contexts: Contexts) -> Floats:
    """(decisions, columns): the standardised contexts and their squares, about as large as them."""
    plain = known.matrix(contexts)
    values = plain[:, 1 : 1 + len(known.names)]
    squares = np.minimum((values**2 - 1.0) / np.sqrt(2.0), 4.0)
    return np.column_stack([plain, np.where(values == 0.0, 0.0, squares)])


def _learn(covariance: Floats, mean: Floats, columns: Floats, rewards: Floats, noise: Floats) -> None:
    """Condition a posterior, in place, on `rewards` (rows) of `columns` (rows, columns) with `noise` variances."""
    across = covariance @ columns.T
    gain = np.linalg.solve(columns @ across + np.diag(noise), across.T).T
    mean += gain @ (rewards - columns @ mean)
    covariance -= gain @ across.T
    covariance += covariance.T.copy()
    covariance /= 2.0


@dataclass(frozen=True)
class LinearThompson:
    """The recipe. `scale` times the posterior's deviation is what an arm's value is drawn with; 1 would be a posterior
    for noise of variance 1, far more than rewards of 0 and 1 have. `precision` is the prior's, per column.

    A decision whose reward is not mature counts `immature` of another. The floors are those of `floor.py`.
    """

    name: ClassVar[str] = "linear_thompson"
    scale: float = 0.07
    precision: float = 10.0
    immature: float = 0.5
    uniform_share: float = 0.05
    silence: float = 0.03

    def fit(self, log: LoggedDecisions | None = None) -> FittedLinearThompson:
        """The prior, or with `log` what that teaches."""
        unknowing = FittedLinearThompson(
            self, Standardised(), np.empty(0, object), np.empty((0, 1, 1)), np.empty((0, 1))
        )
        return unknowing if log is None else unknowing.updated(log)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedLinearThompson:
        """The policy again."""
        contexts = Standardised.restored(arrays)
        return FittedLinearThompson(self, contexts, arrays["arms"], arrays["covariances"], arrays["means"])

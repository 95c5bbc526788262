"""How good a ranking was, per customer, over the full catalogue: nothing sampled, nothing averaged too early.

`hits` has shape (customers, depth): whether the product at each place was one that the customer went on to buy; padding
is no hit. `targets` (customers,) counts what each bought, at least one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats

Hits = NDArray[np.bool_]
Counts = NDArray[np.integer[Any]]


def recall(hits: Hits, targets: Counts, k: int) -> Floats:
    """Share of what was bought that stood among the first k.

    >>> recall(np.array([[True, False, True]]), np.array([4]), 2).tolist()
    [0.25]
    """
    return np.asarray(hits[:, :k].sum(axis=1) / targets, np.float64)


def ndcg(hits: Hits, targets: Counts, k: int) -> Floats:
    """Gain discounted by the place's logarithm, over that of a perfect list (Järvelin and Kekäläinen, 2002).

    >>> ndcg(np.array([[True, False], [True, True]]), np.array([1, 5]), 2).tolist()
    [1.0, 1.0]
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    perfect = np.cumsum(discounts)[np.minimum(targets, k) - 1]
    return np.asarray(hits[:, :k] @ discounts[: hits.shape[1]] / perfect, np.float64)


def hit_rate(hits: Hits, k: int) -> Floats:
    """1 where at least one of the first k was bought.

    >>> hit_rate(np.array([[False, True], [False, False]]), 2).tolist()
    [1.0, 0.0]
    """
    return np.asarray(hits[:, :k].any(axis=1), np.float64)


def reciprocal_rank(hits: Hits, k: int) -> Floats:
    """One over the place of the first hit among the first k, 0 without one; its mean is MRR.

    >>> reciprocal_rank(np.array([[False, True], [False, False]]), 2).tolist()
    [0.5, 0.0]
    """
    found = hits[:, :k]
    return np.asarray(found.any(axis=1) / (found.argmax(axis=1) + 1), np.float64)


def coverage(shown: Codes, item_count: int) -> float:
    """Share of the catalogue that anybody was shown; `shown` holds codes, -1 for padding.

    >>> coverage(np.array([[0, 1], [1, -1]], np.int32), 4)
    0.5
    """
    return len(np.unique(shown[shown >= 0])) / item_count


def popularity_lift(shown: Codes, popularity: Floats, bought: Codes) -> float:
    """Mean popularity of what was shown over that of what was bought: above 1, the model shows more of the same.

    >>> popularity_lift(np.array([[0]], np.int32), np.array([6.0, 2.0]), np.array([1], np.int32))
    3.0
    """
    visible = shown[shown >= 0]
    return float(popularity[visible].mean() / popularity[bought].mean()) if len(visible) else 0.0

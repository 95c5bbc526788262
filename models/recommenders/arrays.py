"""The arrays that all recommenders speak in, and how ids become codes."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.object_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


def codes_of(ids: Sequence[str] | Ids, item_ids: Ids) -> Codes:
    """The codes of `ids` in the sorted `item_ids`; -1 for an unknown one.

    >>> codes_of(["b", "x"], np.array(["a", "b"], object)).tolist()
    [1, -1]
    """
    wanted = np.asarray(ids, object)
    if not len(wanted) or not len(item_ids):
        return np.full(len(wanted), -1, np.int32)
    places = np.searchsorted(item_ids, wanted)
    places[places == len(item_ids)] = 0
    return np.where(item_ids[places] == wanted, places, -1).astype(np.int32)


def united(one: Ids, other: Ids) -> Ids:
    """All ids of two sorted arrays, sorted, each once.

    >>> united(np.array(["a", "c"], object), np.array(["b", "c"], object)).tolist()
    ['a', 'b', 'c']
    """
    new = other[codes_of(other, one) < 0]
    return np.insert(one, np.searchsorted(one, new), new) if len(new) else one


def spread(values: NDArray[Scalar], item_ids: Ids, united_ids: Ids) -> NDArray[Scalar]:
    """Rows of `values` (one a product of `item_ids`) at the products' places in `united_ids`; zeros for the new ones.

    >>> spread(np.array([1.0, 2.0]), np.array(["a", "c"], object), np.array(["a", "b", "c"], object)).tolist()
    [1.0, 0.0, 2.0]
    """
    if len(item_ids) == len(united_ids):
        return values
    wide = np.zeros((len(united_ids), *values.shape[1:]), values.dtype)
    wide[np.searchsorted(united_ids, item_ids)] = values
    return wide

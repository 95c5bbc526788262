"""The arrays that all recommenders speak in, and how ids become codes.

Id arrays are never written to, so what follows from two of them is remembered by which two they are: the models of one
suite, which share their ids, learn of a new product together, and only the first of them has to look for its place.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import repeat
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.object_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
P = ParamSpec("P")
T = TypeVar("T")
_REMEMBERED = 32
_FEW = 16
"""Up to a 16th of all ids are found faster by bisection than by a dictionary of all."""
_MANY = 256
"""So many ids at once, and half as many as are known, are those of another model; of customers there are fewer."""


def _remembering(function: Callable[P, T]) -> Callable[P, T]:
    """`function` of id arrays, with its latest answers kept by which arrays it was asked about."""
    latest: deque[tuple[Sequence[object], T]] = deque(maxlen=_REMEMBERED)

    @wraps(function)
    def remembered(*arrays: P.args, **nothing: P.kwargs) -> T:
        for known, answer in tuple(latest):
            if all(mine is its for mine, its in zip(arrays, known, strict=True)):
                return answer
        answer = function(*arrays, **nothing)
        latest.append((arrays, answer))
        return answer

    return remembered


@_remembering
def places_by_id(item_ids: Ids) -> Mapping[str, int]:
    """The code of each id.

    >>> places_by_id(np.array(["a", "b"], object))["b"]
    1
    """
    return {id_: code for code, id_ in enumerate(item_ids)}


def codes_of(ids: Sequence[str] | Ids, item_ids: Ids) -> Codes:
    """The codes of `ids` in the sorted `item_ids`; -1 for an unknown one.

    >>> codes_of(["b", "x"], np.array(["a", "b"], object)).tolist()
    [1, -1]
    """
    wanted = np.asarray(ids, object)
    if wanted is item_ids:
        return np.arange(len(item_ids), dtype=np.int32)
    if not len(wanted) or not len(item_ids):
        return np.full(len(wanted), -1, np.int32)
    if wanted is ids and len(wanted) >= max(_MANY, len(item_ids) // 2):
        return _codes_between(wanted, item_ids)
    if len(wanted) * _FEW > len(item_ids):
        return np.fromiter(map(places_by_id(item_ids).get, wanted, repeat(-1)), np.int32, len(wanted))
    places = np.searchsorted(item_ids, wanted)
    places[places == len(item_ids)] = 0
    return np.where(item_ids[places] == wanted, places, -1).astype(np.int32)


@_remembering
def _codes_between(ids: Ids, item_ids: Ids) -> Codes:
    """The same of two models: the parts of a model that was loaded have the same ids each in an array of its own."""
    found = np.fromiter(map(places_by_id(item_ids).get, ids, repeat(-1)), np.int32, len(ids))
    found.flags.writeable = False
    return found


@_remembering
def united(one: Ids, other: Ids) -> Ids:
    """All ids of two sorted arrays, sorted, each once.

    >>> united(np.array(["a", "c"], object), np.array(["b", "c"], object)).tolist()
    ['a', 'b', 'c']
    """
    new = other[codes_of(other, one) < 0]
    return np.insert(one, np.searchsorted(one, new), new) if len(new) else one


@_remembering
def places(item_ids: Ids, united_ids: Ids) -> NDArray[np.int64]:
    """Where each of the sorted `item_ids` stands in the sorted `united_ids`, which hold them all.

    >>> places(np.array(["a", "c"], object), np.array(["a", "b", "c"], object)).tolist()
    [0, 2]
    """
    found: NDArray[np.int64] = codes_of(item_ids, united_ids).astype(np.int64)
    found.flags.writeable = False
    return found


def spread(values: NDArray[Scalar], item_ids: Ids, united_ids: Ids) -> NDArray[Scalar]:
    """Rows of `values` (one a product of `item_ids`) at the products' places in `united_ids`; zeros for the new ones.

    >>> spread(np.array([1.0, 2.0]), np.array(["a", "c"], object), np.array(["a", "b", "c"], object)).tolist()
    [1.0, 0.0, 2.0]
    """
    if len(item_ids) == len(united_ids):
        return values
    wide = np.zeros((len(united_ids), *values.shape[1:]), values.dtype)
    wide[places(item_ids, united_ids)] = values
    return wide

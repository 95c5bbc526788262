"""The k best of many scores: filtered first, ties by id. The one place where scores become a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask
from models.recommenders.base import Ranking

_GROUP = 64
_SPARE = 4
_MANY = 8
"""Among more than so many times the wanted ones the least is sought before they are sorted."""


@dataclass(frozen=True)
class Best:
    """The answer to one query, before products have names: `codes` best first, and their `scores`."""

    codes: NDArray[np.int64]
    scores: Floats


def best(scores: NDArray[np.floating[Any]], k: int, allow: Mask | None = None, above: float = -np.inf) -> Best:
    """The k best of those `scores` (items,) that are higher than `above`; ties go to the lower code.

    What `allow` forbids never appears, nor what is not finite. No sort and no partition of the whole catalogue, and no
    copy of it: the largest maxima of groups of 64 are a bound that somewhat more than k items reach and few others do.
    As mostly hardly any product is forbidden, enough of those are allowed; where not, the others are looked at too.
    Scores that can no longer be written to are the same for everybody: they are sorted once.

    >>> best(np.array([1.0, 2.0, 2.0]), 2).codes.tolist()
    [1, 2]
    """
    if k and scores.flags.owndata and not scores.flags.writeable:
        return _of_everybody(scores, k, allow)
    bound = _bound(scores, k + k // 4 + _SPARE, above)
    found = _among(scores, np.flatnonzero(scores >= bound) if bound > above else np.flatnonzero(scores > above), allow)
    if len(found) < k and bound > above:
        found = _among(scores, np.flatnonzero(scores > above), allow)
    values = scores[found]
    if len(found) > _MANY * k > 0:
        least = np.partition(values, len(values) - k)[len(values) - k]
        found, values = found[values >= least], values[values >= least]
    order = np.argsort(-values, kind="stable")[:k]
    return Best(found[order], values[order].astype(np.float64))


def _among(scores: NDArray[np.floating[Any]], codes: NDArray[np.int64], allow: Mask | None) -> NDArray[np.int64]:
    """Those of `codes` that may be in an answer."""
    if allow is not None:
        codes = codes[allow[codes]]
    finite: NDArray[np.int64] = codes[np.isfinite(scores[codes])]
    return finite


def _of_everybody(scores: NDArray[np.floating[Any]], k: int, allow: Mask | None) -> Best:
    """The k best of scores that are asked for again and again: the first of their order that are allowed."""
    known = _LATEST.get(id(scores))
    if known is None:
        if len(_LATEST) >= _REMEMBERED:
            _LATEST.clear()
        spoken = np.flatnonzero(np.isfinite(scores))
        _LATEST[id(scores)] = known = (spoken[np.argsort(-scores[spoken], kind="stable")], scores)
    order, wide = known[0], _WIDE * k
    codes = order[:wide] if allow is None else order[:wide][allow[order[:wide]]]
    if len(codes) < k and allow is not None:
        codes = order[allow[order]]
    return Best(codes[:k], scores[codes[:k]].astype(np.float64))


def _bound(scores: NDArray[np.floating[Any]], most: int, above: float) -> float:
    """What at least `most` scores reach; `above` where there may be fewer."""
    groups = len(scores) // _GROUP
    if not 0 < most <= groups:
        return above
    # A group is every so many-th item: the maximum over long rows takes a quarter of that over short ones.
    highest = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    # A partition among many equal values is six times as slow, and mostly there are: groups without any answer.
    highest = highest[highest > above]
    place = len(highest) - most
    return float(np.partition(highest, place)[place]) if place >= 0 else above


def reached(scores: Floats) -> Floats:
    """`scores` of what a model added up, in which 0 means that nothing led there: no answer.

    Changed in place, so bring a copy of what has to stay: memory for another array as long as the catalogue takes
    several times as long as to fill it.

    >>> reached(np.array([0.0, 2.0])).tolist()
    [-inf, 2.0]
    """
    np.copyto(scores, -np.inf, where=~(scores > 0))
    return scores


def ranking(answers: Sequence[Best], k: int, item_ids: Ids, source: str) -> Ranking:
    """One row for each of `answers`, all from the recommender `source`, padded to k."""
    shape = (len(answers), k)
    ids, sources = np.full(shape, None, object), np.full(shape, None, object)
    scores = np.full(shape, -np.inf)
    for row, answer in enumerate(answers):
        count = len(answer.codes)
        ids[row, :count] = item_ids[answer.codes]
        scores[row, :count] = answer.scores
        sources[row, :count] = source
    return Ranking(ids, scores, sources)


def allowed(allow: Mask | None, row: int, item_count: int) -> Mask | None:
    """The mask of one query out of `allow`, which is None, (items,) or (n, items)."""
    if allow is None:
        return None
    mask: Mask = allow if allow.ndim == 1 else allow[row]
    if len(mask) != item_count:
        raise ValueError(f"allow covers {len(mask)} products, the model has {item_count}; build it over its item_ids")
    return mask


_WIDE = 4
"""Among so many times the best ones that are wanted there are mostly enough that are allowed."""
_REMEMBERED = 8
_LATEST: dict[int, tuple[NDArray[np.int64], NDArray[np.floating[Any]]]] = {}
"""Orders, with the scores that they are of, so that no other array can have their identity."""

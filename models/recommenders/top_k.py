"""The k best of many scores: filtered first, ties by id. The one place where scores become a ranking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids, Mask
from models.recommenders.base import Ranking

_GROUP = 64
_FEW = 32
"""Where at most one in so many products has a score, only these are looked at."""


@dataclass(frozen=True)
class Best:
    """The answer to one query, before products have names: `codes` best first, and their `scores`."""

    codes: NDArray[np.int64]
    scores: Floats


def best(scores: NDArray[np.floating[Any]], k: int, allow: Mask | None = None) -> Best:
    """The k best of `scores` (items,). What is not finite or not allowed never appears; ties go to the lower code.

    No sort and no partition of the whole catalogue: the k-th largest maximum of groups of 64 is a bound that at least k
    items reach and few others do (68,000 products: 0.1 ms, where `np.partition` takes 0.8). Scores that can no longer
    be written to are the same for everybody: they are sorted once.

    >>> best(np.array([1.0, 2.0, 2.0]), 2).codes.tolist()
    [1, 2]
    """
    if k and scores.flags.owndata and not scores.flags.writeable:
        return _of_everybody(scores, k, allow)
    spoken = np.isfinite(scores)
    if allow is not None:
        spoken &= allow
    if np.count_nonzero(spoken) * _FEW <= len(scores):
        codes = np.flatnonzero(spoken)
        scores = scores[codes]
        order = _order(scores, k)
        return Best(codes[order], scores[order].astype(np.float64))
    codes = _order(scores if allow is None else np.where(spoken, scores, -np.inf), k)
    return Best(codes, scores[codes].astype(np.float64))


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


def _order(scores: NDArray[np.floating[Any]], k: int) -> NDArray[np.int64]:
    """Where the k best stand, best first."""
    candidates: NDArray[np.int64] = np.flatnonzero(scores >= _bound(scores, k))
    candidates = candidates[np.isfinite(scores[candidates])]
    return candidates[np.argsort(-scores[candidates], kind="stable")[:k]]


def _bound(scores: NDArray[np.floating[Any]], k: int) -> float:
    groups = len(scores) // _GROUP
    # Above -inf, as most scores of a model that knows a few neighbours are.
    least = float(np.finfo(scores.dtype).min)
    if not 0 < k <= groups:
        return least
    # A group is every so many-th item: the maximum over long rows takes a quarter of that over short ones.
    highest = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    # A partition among many equal values is six times as slow, and mostly there are: groups without any answer.
    highest = highest[np.isfinite(highest)]
    place = len(highest) - k
    return float(np.partition(highest, place)[place]) if place >= 0 else least


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

"""The columns that a ranker sees for each candidate of a query: sources, own history, category, product, customer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.recommenders.own_history import CONTEXT, OWN, OwnHistory
from models.recommenders.product_facts import FACTS, ProductFacts

Matrix = NDArray[np.float32]

_LEVELS = ("leaf", "branch")
_OF_CATEGORY = ("faded", "trip_share", "since", "products", "own_share", "share")
_LITTLE = 1e-6


def names(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns, in order."""
    return (
        *(f"{source}_{kind}" for source in sources for kind in ("score", "relative")),
        *OWN,
        "own_due_usually",
        *(f"{level}_{kind}" for level in _LEVELS for kind in _OF_CATEGORY),
        *FACTS,
        *CONTEXT,
    )


def matrix(candidates: NDArray[np.int64], scores: list[Floats], history: OwnHistory, facts: ProductFacts) -> Matrix:
    """One row a candidate; `scores` are those of each source for all products, -inf where it says nothing.

    Nothing depends on which other candidates there are, so what is allowed changes no score.
    """
    own = history.rows(candidates)
    said = facts.own[candidates]
    said[np.isneginf(said)] = np.nan
    due = own[:, OWN.index("own_since")] / np.exp(said[:, FACTS.index("repeat_interval")])
    columns: list[NDArray[np.floating[Any]]] = [
        *(_of_source(each, candidates) for each in scores),
        own,
        due[:, None],
        *(
            _of_category(codes, candidates, own[:, OWN.index("own_trips")], share, history)
            for codes, share in zip(facts.categories, facts.share, strict=True)
        ),
        said,
        np.broadcast_to(history.context, (len(candidates), len(CONTEXT))),
    ]
    return _coarse(np.concatenate(columns, axis=1).astype(np.float32))


def _of_source(scores: Floats, candidates: NDArray[np.int64]) -> Floats:
    wanted = scores[candidates]
    wanted = np.where(wanted > 0, wanted, np.nan)
    return np.stack([np.log(wanted + _LITTLE), wanted / max(float(scores.max()), _LITTLE)], axis=1)


def _of_category(
    codes: Codes, candidates: NDArray[np.int64], own_trips: Floats, share: Matrix, history: OwnHistory
) -> Floats:
    """What the customer did in the category of each candidate; NaN where the category is not known."""
    wanted, of_visit = codes[candidates], codes[history.visited]
    # One number a visit, as one sort of numbers takes half of one by two keys; of equal ones all that is read is equal.
    visits = of_visit * np.int64(history.trips) + history.visit_trips
    order = np.argsort(visits)
    visits, kinds, ages = visits[order], of_visit[order], history.visit_ages[order]
    new_kind = np.empty(len(kinds), bool)
    new_kind[0] = True
    np.not_equal(kinds[1:], kinds[:-1], out=new_kind[1:])
    starts = np.flatnonzero(new_kind)
    new_trip = np.ones(len(kinds))
    new_trip[1:] = visits[1:] != visits[:-1]
    of_product = codes[history.products]
    found = np.zeros((len(starts) + 1, 5))
    found[:-1, 0] = np.add.reduceat(np.exp2(-ages / 60), starts)
    found[:-1, 1] = np.add.reduceat(new_trip, starts) / history.trips
    found[:-1, 2] = np.minimum.reduceat(ages, starts)
    found[:-1, 3] = np.diff(np.searchsorted(np.sort(of_product), [*kinds[starts], np.iinfo(np.int32).max]))
    found[:-1, 4] = np.diff(np.append(starts, len(kinds)))
    found[-1, 2] = np.nan
    places = np.minimum(np.searchsorted(kinds[starts], wanted), len(starts) - 1)
    rows = found[np.where(kinds[starts][places] == wanted, places, -1)]
    rows[:, 4] = own_trips / np.maximum(rows[:, 4], 1)
    rows = np.concatenate([rows, share[candidates][:, None]], axis=1)
    rows[wanted < 0] = np.nan
    return rows


def _coarse(values: Matrix) -> Matrix:
    """To 12 bits of mantissa, so that the last digits of a sum, which depend on its order, decide no split."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    finite = np.isfinite(values)
    rounded = np.where(finite, (bits + np.uint32(0x800)) & np.uint32(0xFFFFF000), bits)
    return rounded.astype(np.uint32).view(np.float32)

"""Pins: what the shop wants at one place, if it may stand there."""

import numpy as np

from models.arrays import Codes, Mask
from models.recommenders.top_k import best
from serving.rules.caps import roomy
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.rules import Pin, Rules

_OPTIONS = 100
"""A pin by filter looks no further: with so many full caps before it there is a mistake in the rules."""


def pinned(rules: Rules, columns: Columns, candidates: Codes, allowed: Mask, limit: int) -> dict[int, int]:
    """Codes by position, 1 to `limit`. `candidates` are what the models found, heaviest first.

    A pinned product that is not allowed, or for which a cap leaves no room, is not pinned; earlier positions go first.
    """
    taken: dict[int, int] = {}
    for pin in sorted(rules.pin, key=lambda pin: pin.position):
        if pin.position <= limit:
            options = _options(pin, columns, candidates, allowed)
            fresh = options[~np.isin(options, list(taken.values()))]
            fitting = fresh[roomy(rules.caps, columns, np.array([*taken.values()], np.int32), fresh)]
            if len(fitting):
                taken[pin.position] = int(fitting[0])
    return taken


def popular(columns: Columns, count: int, allowed: Mask) -> Codes:
    """The products that most want of those allowed; while nobody knows of any interest, those of the lowest ids."""
    interest = columns.masks.get("interest", lambda: np.nan_to_num(columns.number("popularity_30d")))
    return np.asarray(best(interest, count, allowed).codes, np.int32)


def _options(pin: Pin, columns: Columns, candidates: Codes, allowed: Mask) -> Codes:
    """The products that a pin can mean, best first: what the models found before what is popular."""
    if pin.filter is None:
        named = columns.codes([pin.item_id or ""])
        known = named[named >= 0]
        return np.asarray(known[allowed[known]], np.int32)
    passing = mask(columns, pin.filter, strict=False) & allowed
    return np.concatenate([candidates[passing[candidates]], popular(columns, _OPTIONS, passing)], dtype=np.int32)

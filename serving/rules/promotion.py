"""Promoted products: a share of the answer, spread over it, marked, and never more than that share."""

from collections.abc import Sequence
from math import floor

from serving.rules.page import Slot
from serving.rules.rules import Rules

_ROUNDING = 1e-9


def quota(rules: Rules, size: int) -> int:
    """How many products of an answer of `size` may be promoted ones."""
    return floor(rules.promoted.share * size + _ROUNDING) if rules.promoted else 0


def places(count: int, free: Sequence[int]) -> frozenset[int]:
    """`count` of the free positions, evenly spread.

    >>> sorted(places(2, range(1, 11)))
    [3, 8]
    """
    count = min(count, len(free))
    return frozenset(free[int((place + 0.5) * len(free) / count)] for place in range(count))


def within_share(rules: Rules, slots: Sequence[Slot]) -> list[Slot]:
    """Without the last promoted ones of an answer that came out shorter than asked for, until the share holds."""
    kept = list(slots)
    while sum(slot.promoted for slot in kept) > quota(rules, len(kept)):
        del kept[max(place for place, slot in enumerate(kept) if slot.promoted)]
    return kept

"""Filling an answer: position after position, the best product that still may be taken."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.arrays import Codes, Floats, Mask
from serving.rules.candidates import Candidates
from serving.rules.caps import Caps
from serving.rules.columns import Columns
from serving.rules.diversity import Diversity
from serving.rules.pins import popular
from serving.rules.promotion import places
from serving.rules.rules import Rules


def filled(
    rules: Rules,
    columns: Columns,
    found: Candidates,
    fixed: Mapping[int, int],
    promoted: Mask,
    may: Mask,
    free: Sequence[int],
    room: int,
) -> dict[int, int]:
    """Codes for the `free` positions of an answer in which `fixed` stand already, by position.

    `room` positions are for promoted products, which are those in `promoted`: of what the models found, then of what is
    popular among those that may (`may`) be shown. Where they run out others take their place, never the other way.
    """
    if not rules.caps and not rules.diversity and rules.promoted is None:
        return _by_weight(found, fixed, free)
    extra = popular(columns, len(free), may & promoted) if room > 0 else _NOTHING
    extra = extra[~np.isin(extra, found.codes)] if len(extra) else extra
    standing = np.array(list(fixed.values()), np.int32)
    codes: Codes = np.concatenate([standing, found.codes, extra])
    weight = np.concatenate([np.zeros(len(standing)), found.weight, np.zeros(len(extra))])
    caps = Caps(rules.caps, columns, codes)
    diversity = Diversity(rules.diversity, weight, columns, codes)
    for place, code in enumerate(standing):
        caps.take(place)
        diversity.take(place)
        caps.open &= codes != code
    reserved, marked = places(room, free), promoted[codes]
    chosen = {}
    for position in free:
        index = _best(caps.open & marked, diversity.gain) if position in reserved else None
        index = _best(caps.open & ~marked, diversity.gain) if index is None else index
        if index is not None:
            chosen[position] = int(codes[index])
            caps.take(index)
            diversity.take(index)
    return chosen


def _by_weight(found: Candidates, fixed: Mapping[int, int], free: Sequence[int]) -> dict[int, int]:
    """Where nothing that is taken changes what may follow, the heaviest stand in their order."""
    standing = frozenset(fixed.values())
    return dict(zip(free, (code for code in found.by_weight.tolist() if code not in standing), strict=False))


_NOTHING = np.empty(0, np.int32)


def _best(options: Mask, gain: Floats) -> int | None:
    if not len(gain):
        return None
    index = int(np.argmax(np.where(options, gain, -np.inf)))
    return index if options[index] else None

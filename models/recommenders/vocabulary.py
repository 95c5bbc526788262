"""The products a model knows, by id and by code, fast enough for one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from models.arrays import Codes, Ids, places_by_id


@dataclass(frozen=True)
class Vocabulary:
    """`item_ids` sorted; a dictionary beside them, as 500 look-ups by bisection of strings cost 0.5 ms, by hash 0.04.

    >>> Vocabulary(np.array(["a", "b"], object)).codes(["b", "x"]).tolist()
    [1, -1]
    """

    item_ids: Ids
    _codes: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", places_by_id(self.item_ids))

    def codes(self, ids: Sequence[str] | Ids) -> Codes:
        """The code of each id, -1 for an unknown one.

        The latest arrays are remembered by which they are, as arrays of ids are never written to: the parts of a
        model, and the reasons after it, all ask for the codes of one history.
        """
        if not isinstance(ids, np.ndarray):
            return np.fromiter(map(self._codes.get, ids, repeat(-1)), np.int32, len(ids))
        key = (id(ids), id(self.item_ids))
        known = _LATEST.get(key)
        if known is None:
            codes = np.fromiter(map(self._codes.get, ids, repeat(-1)), np.int32, len(ids))
            codes.flags.writeable = False
            if len(_LATEST) >= _REMEMBERED:
                # The older half, as those of the batch that is being answered are asked for again.
                for old in list(_LATEST)[: _REMEMBERED // 2]:
                    _LATEST.pop(old, None)
            _LATEST[key] = known = (codes, ids, self.item_ids)
        return known[0]


_REMEMBERED = 128
_LATEST: dict[tuple[int, int], tuple[Codes, Ids, Ids]] = {}
"""Holds the arrays too, so that nobody else can have their identity."""

"""What was worked out over all products once and is asked for again and again: the latest used are kept."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

from numpy.typing import NDArray

KEPT = 256


class Masks:
    """An LRU of read-only arrays. Each `Columns` has its own, so a change of the catalogue forgets them all.

    >>> import numpy as np
    >>> masks = Masks(kept=1)
    >>> masks.get("a", lambda: np.ones(2, bool)) is masks.get("a", lambda: np.zeros(2, bool))
    True
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._arrays: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._arrays)

    def get(self, key: Hashable, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """What `compute` returned for `key`. Two threads may both compute it; what raises is not kept."""
        with self._lock:
            found = self._arrays.get(key)
            if found is not None:
                self._arrays.move_to_end(key)
                return found
        found = compute()
        found.flags.writeable = False
        with self._lock:
            self._arrays[key] = found
            while len(self._arrays) > self._kept:
                self._arrays.popitem(last=False)
        return found

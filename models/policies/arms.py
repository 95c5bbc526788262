"""Actions as arms, each on its own: the same labels are the same arm, whatever the numbers. Silence is one of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Ids, codes_of, united
from models.policies.eligible import Eligible

_BETWEEN = "\x1f"


def arm_names(eligible: Eligible) -> tuple[Ids, Codes]:
    """The names of the arms in `eligible`, sorted and each once, and the place of each row's among them (rows).

    >>> arm_names(Eligible.of([[({}, {}), ({"channel": "email"}, {}), ({}, {})]]))[1].tolist()
    [0, 1, 0]
    """
    rows, inverse = np.unique(eligible.codes, axis=0, return_inverse=True)
    names = np.array([_name(row, eligible.labels) for row in rows.tolist()], object)
    sorted_names, places = np.unique(names.astype(str), return_inverse=True)
    return sorted_names.astype(object), places[inverse.reshape(-1)].astype(np.int32)


def _name(codes: Sequence[int], labels: Sequence[Sequence[str]]) -> str:
    return _BETWEEN.join(known[code] if code >= 0 else "" for code, known in zip(codes, labels, strict=True))


def arms_of(eligible: Eligible, known: Ids) -> Codes:
    """The place in the sorted `known` of each row's arm; -1 for an arm that is not among them."""
    names, rows = arm_names(eligible)
    return codes_of(names, known)[rows]


def grown(known: Ids, eligible: Eligible) -> tuple[Ids, NDArray[np.int64]]:
    """All arms, sorted, with those of `eligible`; and where the `known` ones are found among them."""
    everything = united(known, arm_names(eligible)[0])
    return everything, codes_of(known, everything).astype(np.int64)

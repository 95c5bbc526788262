"""Loops over numbers that numpy has no call for, compiled by numba when they are first called.

What was compiled is kept beside the source, in the user's cache where that cannot be written to, or where
`NUMBA_CACHE_DIR` says: once a machine, and once a process where there is no such place. Python's lock
is kept: a loop of some microseconds that let go of it would wait for other threads longer than it computes.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, of arrays and numbers alone, as machine code: indices are not checked, and sums keep their order.

    >>> compiled(lambda one, other: one + other)(1, 2)
    3
    """
    try:
        loop: Callable[P, T] = njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # there is no place to keep it in
        loop = njit(error_model="numpy")(function)
    return loop

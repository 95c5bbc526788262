"""Loops over numbers that numpy has no call for, compiled by numba when they are first called.

What was compiled is kept beside the source, in the user's cache where that cannot be written to, or where
`NUMBA_CACHE_DIR` says: once a machine, and once a process where there is no such place or no room in it. Python's lock
is kept: a loop of some microseconds that let go of it would wait for other threads longer than it computes.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, of arrays and numbers alone, as machine code: indices are not checked, and sums keep their order.

    >>> compiled(lambda one, other: one + other)(1, 2)
    3
    """
    return _kept(function, njit(error_model="numpy"))


def compiled_for_long(function: Callable[P, T]) -> Callable[P, T]:
    """As `compiled`, for what takes so long that other threads are to compute beside it: a part of a fit."""
    return _kept(function, njit(error_model="numpy", nogil=True))


def _kept(function: Callable[P, T], compiling: Callable[[Callable[P, T]], Any]) -> Callable[P, T]:
    loop = compiling(function)
    with suppress(RuntimeError):  # there is no place to keep it in
        loop.enable_caching()
        keep = loop._cache.save_overload

        def kept(*what: Any) -> None:
            with suppress(OSError):  # a full disk costs the next process a second, and nobody an answer
                keep(*what)

        loop._cache.save_overload = kept
    found: Callable[P, T] = loop
    return found

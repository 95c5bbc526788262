"""Loops over numbers that numpy has no call for, compiled by numba when they are first called.

What was compiled is kept beside the source, in the user's cache where that cannot be written to, or where
`NUMBA_CACHE_DIR` says: once a machine, and once a process where there is no such place or no room in it. Python's lock
is kept: a loop of some microseconds that let go of it would wait for other threads longer than it computes.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
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
        _keep_apart(loop._cache._cache_file)
        keep = loop._cache.save_overload

        def kept(*what: Any) -> None:
            with suppress(OSError):  # a full disk costs the next process a second, and nobody an answer
                keep(*what)

        loop._cache.save_overload = kept
    found: Callable[P, T] = loop
    return found


def _keep_apart(file: Any) -> None:
    """Let code for each kind of arguments, of each state of the source, have a file of its own, there before it is
    looked for.

    numba numbers the files, and says in an index whose is which before it writes one: of two processes that compile for
    the first time both may take the same number, and a third runs the code of one on the arguments of the other.
    """

    def save(key: Any, code: Any) -> None:
        digest = sha256(repr((key, file._source_stamp)).encode()).digest()
        name = file._data_name(int.from_bytes(digest[:8], "big"))
        file._save_data(name, code)
        file._save_index({**file._load_index(), key: name})

    file.save = save

"""Loops over numbers that numpy has no call for, compiled by numba when they are first called.

What was compiled is kept beside the source, in the user's cache where that cannot be written to, or where
`NUMBA_CACHE_DIR` says: once a machine, and once a process where there is no such place or no room in it. Python's lock
is kept: a loop of some microseconds that let go of it would wait for other threads longer than it computes.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, ParamSpec, TypeVar

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

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


@intrinsic  # type: ignore[untyped-decorator]
def fetch_ahead(typing: Any, array: Any, place: Any) -> Any:  # noqa: ARG001
    """`fetch_ahead(array, place)` in compiled code has the processor bring what will be asked at `place` soon.

    Where to go next is told by an array, which no processor foresees: without it, it waits for the memory each time.
    Nothing is read, so a place beyond the end does no harm.
    """

    def wanted(context: Any, builder: Any, signature: Any, told: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, told[0]).data
        line = builder.bitcast(builder.gep(data, [told[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [line.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0i8")
        to_read, for_long, data_not_code = number(0), number(3), number(1)
        builder.call(function, [line, to_read, for_long, data_not_code])
        return context.get_dummy_value()

    return types.void(array, types.int64), wanted

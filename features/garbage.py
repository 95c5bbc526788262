"""Python's search for cycles, which many plain records make dear and none of them needs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """No search meanwhile: millions of records hold no cycle, and looking takes a sixth of an import, and half of
    reading the log in columns."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

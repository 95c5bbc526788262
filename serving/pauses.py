"""How a worker's interpreter is set, so that no request waits long for what lies in between: garbage, and turns.

Whatever measures what a worker does has to set its own interpreter likewise: looking for garbage in everything that was
imported stops all threads for some 90 ms (`benchmarks/README.md`, at `benchmarks.decision_log`), and each time a thread
asks for its turn beside one that computes it waits 5 ms as Python is set.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH_SECONDS = 0.001
"""How long a thread that loads a model may keep the interpreter; at Python's own 5 ms every step of an answer waits."""


def keep_what_is_there() -> None:
    """Look for garbage in what comes from now on alone, and seldom, for the rest of the process.

    p99 was 124 to 183 ms with full collections over everything that was imported, 17 to 19 ms without.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)


@contextmanager
def taking_turns() -> Iterator[None]:
    """Threads take turns quickly as long as the block runs."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)

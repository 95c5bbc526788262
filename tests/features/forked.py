"""A child of this process, to be killed while it works."""

import os
import traceback
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """The id of a child that does `work`, which has no end of its own.

    What it raises ends it there: further up it would run the rest of the tests, and give away what its parent uses.
    """
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return child

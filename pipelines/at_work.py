"""One process at a time does a work that keeps what is done of it, on whatever machine: a lease beside the lock.

The lock on the folder holds on one machine: of two that share the folder each would take the results of the other for
those of another state, and drop them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from features.alone import LASTING, Hold, alone

_PATIENCE = LASTING + timedelta(seconds=5)
"""Who was killed leaves the lease for ten seconds, and who is called again at once waits for its end."""


@contextmanager
def at_work(database: Engine, name: str) -> Iterator[Hold]:
    """Nobody else does the work `name` meanwhile; whoever does it asks the hold before what others see.

    Raises Taken, which says who does it, after a quarter of a minute.
    """
    with alone(database, f"unfinished {name}", partial(datetime.now, UTC), _PATIENCE) as hold:
        yield hold

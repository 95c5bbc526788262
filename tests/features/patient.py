"""A process of a test that waits for others for as long as tests do, and whose leases outlast a machine that stands
still: the ten seconds of the product are for people, and a test of who waits for whom measures none."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Engine
from tenacity import stop_after_delay

import features.alone
import features.database
from features.alone import Clock, Hold, alone
from tests.features.leases import AGES
from tests.waiting import BEGINS


def be_patient() -> None:
    """To be called before anything else is imported that opens a database or works alone."""
    features.database._BUSY_SECONDS = int(BEGINS)
    features.database.write_ahead.retry.stop = stop_after_delay(BEGINS)  # type: ignore[attr-defined]
    features.alone.alone = _patient


@contextmanager
def _patient(engine: Engine, name: str, clock: Clock, patience: timedelta = timedelta(0)) -> Iterator[Hold]:
    with alone(engine, name, clock, patience and timedelta(seconds=BEGINS), AGES) as hold:
        yield hold

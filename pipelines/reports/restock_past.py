"""What the live model would have foreseen some weeks ago, for the calendar of restocking to know how sure it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from features import restock_table
from features.restock_table import RestockTable
from models.arrays import Ids
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment
from pipelines.score_part import in_buckets, scored
from training.reports.restock_days import DAYS
from training.reports.restock_past import Past
from training.reports.swings import WEEKS, weekdays

ASKED = 3
"""So many times, each six weeks before the one behind it."""

MOST = 1_000
"""Of a larger shop so many customers, drawn at random, are asked about: a shop's swing is the same for all of them, and
how often the intervals of so many hold is in docs/restock.md."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pasts(model: FittedReplenishment, lines: Lines, customer_ids: Ids, asked: int = ASKED) -> Iterator[Past]:
    """The calendars of earlier days, the latest first, as far as there were orders for long enough before them.

    `model` has seen those weeks too. It has few parameters, so what it foresees of them is hardly better for that; how
    often the intervals hold later on is measured by `benchmarks/restock_calendar.py`.
    """
    if not len(lines.days):
        return
    lines, customer_ids = _drawn(lines, customer_ids)
    began, purchases = int(lines.days.min()), lines.by_group(model.groups)
    for back in range(1, asked + 1):
        day = lines.day - DAYS * back
        if day - began < 7 * WEEKS:
            return
        known = lines.until(day)
        with TemporaryDirectory() as folder:
            table = _table(model, known, customer_ids, Path(folder))
        yield Past.of(table, purchases, customer_ids, weekdays(known.by_group(model.groups)))


def _drawn(lines: Lines, customer_ids: Ids) -> tuple[Lines, Ids]:
    """`MOST` of the customers, with codes from 0 on: a forecast has a curve for each that it could be asked about."""
    drawn = np.zeros(lines.customer_count, bool)
    drawn[np.random.default_rng(0).choice(len(drawn), min(MOST, len(drawn)), replace=False)] = True
    theirs, code = lines.among(drawn), (np.cumsum(drawn) - 1).astype(np.int32)
    return replace(theirs, customers=code[theirs.customers], customer_count=int(drawn.sum())), customer_ids[drawn]


def _table(model: FittedReplenishment, lines: Lines, customer_ids: Ids, to: Path) -> RestockTable:
    """Who was due, in buckets, as `restock score` writes it."""
    asked = in_buckets(lines, customer_ids)
    parts = [scored(model, theirs, customer_ids[places], lines.day).rows for places, theirs in asked]
    as_of = _EPOCH + timedelta(days=lines.day + 1)
    return restock_table.read(restock_table.write(to, as_of, 0, parts))

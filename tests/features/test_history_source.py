"""Columns are what the log holds in a range of positions, in order, whatever the batches and whatever was erased."""

import gc
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from features.database import open_database
from features.garbage import without_collections
from features.history_source import Columns, columns_of
from features.log import EVENTS, Log
from tests.features.shop import happened


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_columns_are_what_the_log_holds(engine: Engine, batch: int) -> None:
    log = Log(engine, EVENTS)
    log.append([happened("product_viewed", f"u{number}?ü", number, "p", "q") for number in range(12)])
    with engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.position.in_([1, 5, 6, 7, 8, 12])))
    for first, last in ((1, 12), (3, 9), (5, 8), (12, 40)):
        found = list(columns_of(log, first, last, batch))
        records = [record for some in log.scan(first - 1, last) for record in some]
        for field in fields(Columns):
            told = [value for columns in found for value in getattr(columns, field.name)]
            assert told == [getattr(record, field.name) for record in records], field.name
        assert all(columns.position for columns in found)


def test_a_file_is_read_while_somebody_writes(tmp_path: Path) -> None:
    log = Log(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), EVENTS)
    log.append([happened("page_viewed", "u1", number) for number in range(6)])
    found: list[int] = []
    for columns in columns_of(log, 1, 6, 2):
        found += columns.position
        log.append([happened("page_viewed", "u2", 9)])
    assert found == [1, 2, 3, 4, 5, 6]
    log.engine.dispose()


def test_nobody_looks_for_cycles_among_rows_while_they_are_read_but_afterwards(tmp_path: Path) -> None:
    log = Log(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), EVENTS)
    log.append([happened("page_viewed", "u1", 1 + number / 5_000) for number in range(5_000)])
    looks: list[str] = []
    gc.collect()
    gc.callbacks.append(lambda phase, _: looks.append(phase))
    try:
        (columns,) = columns_of(log, 1, 5_000, 5_000)
    finally:
        gc.callbacks.pop()
    assert len(columns.position) == 5_000
    assert looks.count("start") <= 2, "one in 700 rows otherwise"
    batches = columns_of(log, 1, 5_000, 1_000)
    next(batches)
    assert gc.isenabled()
    log.engine.dispose()
    with pytest.raises(ValueError, match="zip"), without_collections():
        list(zip("a", "", strict=True))
    assert gc.isenabled()

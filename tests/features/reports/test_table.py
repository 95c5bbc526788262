"""Reports in the database: the latest counts, of each scope one, and what cannot be read is as if it were not there."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from features.reports.table import ReportTable

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Sales:
    as_of: datetime
    computed_at: datetime
    sold: tuple[int, ...]


@dataclass(frozen=True)
class Otherwise:
    as_of: datetime
    computed_at: datetime
    bought: int


FOUND = Sales(NOW, NOW + timedelta(seconds=3), (3, 4))


def test_the_latest_report_of_each_scope_is_read_back_as_it_was(engine: Engine) -> None:
    table = ReportTable(engine)
    for scope in ("", "cart_recovery"):
        table.save("sales", scope, FOUND)
    later = replace(FOUND, sold=(5,))
    table.save("sales", "cart_recovery", later)
    assert table.read("sales", "", Sales) == FOUND
    assert table.read("sales", "cart_recovery", Sales) == later
    assert table.scopes("sales") == ["", "cart_recovery"]


def test_what_was_never_computed_or_has_another_shape_by_now_is_not_there(engine: Engine) -> None:
    table = ReportTable(engine)
    table.save("sales", "", FOUND)
    assert (table.read("sales", "other", Sales), table.read("other", "", Sales)) == (None, None)
    assert table.read("sales", "", Otherwise) is None
    assert table.scopes("other") == []

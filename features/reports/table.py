"""The reports that were computed last, as text in the database: the service shows them and never computes one.

Whatever takes a scan of the logs is computed by `python -m pipelines report`; a page costs the reading of one row.
"""

from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Engine, Table, Text, select

from features.database import insert_into, metadata
from features.log import microseconds

_REPORTS = Table(
    "report",
    metadata,
    Column("name", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("computed_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
T = TypeVar("T", bound="Report")


class Report(Protocol):
    """What every report says of itself: which moment it is about, and when it was computed."""

    @property
    def as_of(self) -> datetime:
        """Nothing from then on is in it."""

    @property
    def computed_at(self) -> datetime:
        """When."""


class ReportTable:
    """The latest report of each name and scope; the scope is a decision point, or "" for the whole shop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def save(self, name: str, scope: str, report: Report) -> None:
        """Keep `report`, a dataclass, in place of the one before."""
        row = {
            "name": name,
            "scope": scope,
            "computed_at": microseconds(report.computed_at),
            "body": msgspec.json.encode(report).decode(),
        }
        insert = insert_into(_REPORTS, self.engine.dialect.name).values(row)
        anew = {column: insert.excluded[column] for column in ("computed_at", "body")}
        with self.engine.begin() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name", "scope"], set_=anew))

    def read(self, name: str, scope: str, of: type[T]) -> T | None:
        """The latest; None when none was computed, or only one that an earlier version wrote otherwise."""
        with self.engine.connect() as connection:
            wanted = _REPORTS.c.name == name, _REPORTS.c.scope == scope
            body = connection.execute(select(_REPORTS.c.body).where(*wanted)).scalar()
        try:
            return None if body is None else msgspec.json.decode(body, type=of)
        except msgspec.ValidationError:
            return None

    def scopes(self, name: str) -> list[str]:
        """Of what there is a report of this name, by the alphabet."""
        with self.engine.connect() as connection:
            found = select(_REPORTS.c.scope).where(_REPORTS.c.name == name).order_by(_REPORTS.c.scope)
            return [str(scope) for scope in connection.execute(found).scalars()]


def missing(name: str) -> str:
    """What to say, and to do, where there is no report.

    >>> missing("uplift")
    'uplift was not computed yet; `python -m pipelines report uplift` does it'
    """
    return f"{name} was not computed yet; `python -m pipelines report {name}` does it"

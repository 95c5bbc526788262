"""Opening the database of the logs and the catalogue: SQLite beside the service, or PostgreSQL by its URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateColumn

_COLUMNS_LOCK = 7_061_776_675
_TABLES_LOCK = 7_061_776_676
_CACHE_KILOBYTES = 16_000  # with the usual 2 MB a batch of 20,000 events spills to disk half-way: 1.3 times the time
metadata = MetaData()
"""Every table of Kairos's own database; the modules that own a table add it here when they are imported."""


def open_database(url: str) -> Engine:
    """An engine on `url` whose tables exist; a table of an earlier version gets the columns that came since.

    A commit on SQLite is on the disk when it returns: WAL with `synchronous=FULL` (measured: `kill -9` loses no
    acknowledged row, while `NORMAL` may lose the last commits when the power goes). A plain `postgresql://` URL
    gets the psycopg 3 driver. Errors do not show parameters, as these hold people's ids.

    >>> from sqlalchemy import text
    >>> with open_database("sqlite://").connect() as connection:
    ...     connection.execute(text("select 1")).scalar()
    1
    """
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    pre_ping = address.get_backend_name() != "sqlite"
    engine = create_engine(address, pool_pre_ping=pre_ping, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
    if metadata.tables.keys() - set(inspect(engine).get_table_names()):
        with writing(engine, _TABLES_LOCK) as connection:  # workers of a new service start at the same time
            metadata.create_all(connection)
    if _lacking(engine):
        _complete(engine)
    return engine


def _lacking(bind: Engine | Connection) -> list[tuple[str, Any]]:
    """(table, column) for what an earlier version did not write; such columns may be null."""
    found = inspect(bind)
    known = {name: {column["name"] for column in found.get_columns(name)} for name in metadata.tables}
    return [
        (name, column)
        for name, table in metadata.tables.items()
        for column in table.columns
        if column.name not in known[name]
    ]


def _complete(engine: Engine) -> None:
    with writing(engine, _COLUMNS_LOCK) as connection:
        for name, column in _lacking(connection):
            definition = CreateColumn(column).compile(dialect=engine.dialect)
            connection.exec_driver_sql(f'ALTER TABLE "{name}" ADD COLUMN {definition}')


def insert_into(table: Table, dialect: str) -> Any:
    """An insert that knows `on_conflict_…`, which SQLite and PostgreSQL share and standard SQL lacks."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, full or busy, and would take the same statement later; else it never will."""
    ours = DataError, IntegrityError, NotSupportedError, ProgrammingError
    return isinstance(error, DBAPIError | PoolTimeout) and not isinstance(error, ours)


@contextmanager
def writing(engine: Engine, lock: int) -> Iterator[Connection]:
    """A transaction that no other writer of the same `lock` runs beside: what it reads still holds when it commits.

    SQLite has one lock for the whole file, taken here before the first read; PostgreSQL gets an advisory one.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(lock)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        f"cache_size=-{_CACHE_KILOBYTES}",
        "secure_delete=ON",  # what is deleted is overwritten, or an erased person could be read in the file
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

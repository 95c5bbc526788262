"""Opening the database of the logs and the catalogue: SQLite beside the service, or PostgreSQL by its URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, Table, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from features.migrations.upgrade import VERSIONS, is_ready, standing, upgrade

_MIGRATION_LOCK = 7_061_776_675
_PATIENCE = "30s"
_BUSY_SECONDS = 10
_CACHE_KILOBYTES = 16_000  # with the usual 2 MB a batch of 20,000 events spills to disk half-way: 1.3 times the time
metadata = MetaData()
"""Every table of Kairos's own database; the modules that own a table add it here when they are imported."""


def open_database(url: str, versions: Path = VERSIONS) -> Engine:
    """An engine on `url` with the tables that this code was written for: made when there are none, else migrated.

    Whoever opens an older database first migrates it, and others wait until that is done. Raises RuntimeError for a
    database that this code must not work on, or cannot bring up to date; it is left as it was.

    A commit on SQLite is on the disk when it returns: WAL with `synchronous=FULL` (measured: `kill -9` loses no
    acknowledged row, while `NORMAL` may lose the last commits when the power goes). A plain `postgresql://` URL
    gets the psycopg 3 driver. Errors do not show parameters, as these hold people's ids.

    >>> from sqlalchemy import text
    >>> with open_database("sqlite://").connect() as connection:
    ...     connection.execute(text("select 1")).scalar()
    1
    """
    engine = connect_to(url)
    try:
        migrate(engine, versions)
    except Exception:
        engine.dispose()
        raise
    return engine


def connect_to(url: str) -> Engine:
    """An engine on `url`, whatever stands there; `open_database` is for those who want the tables."""
    address = address_of(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    pre_ping = address.get_backend_name() != "sqlite"
    engine = create_engine(address, pool_pre_ping=pre_ping, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
    return engine


def address_of(url: str) -> URL:
    """A plain `postgresql://` gets the driver that is installed.

    >>> address_of("postgresql://db/kairos").drivername
    'postgresql+psycopg'
    """
    address = make_url(url)
    return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address


def migrate(engine: Engine, versions: Path = VERSIONS) -> list[str]:
    """Bring the database to the newest revision; returns those that were applied, oldest first.

    One at a time: another process that wants the same waits for the end of it on PostgreSQL, and on SQLite for ten
    seconds. On PostgreSQL a table that somebody reads for 30 seconds is not waited for longer, as all who came later
    would wait with it.
    """
    with engine.connect() as connection:
        if is_ready(standing(connection), versions):
            return []
    try:
        with writing(engine, _MIGRATION_LOCK) as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            return upgrade(connection, versions)
    except OperationalError as error:
        if "database is locked" not in str(error.orig):
            raise
        raise RuntimeError(
            f"{engine.url.database} has to be migrated, and another process has been writing to it for ten seconds; "
            f"perhaps it migrates it already: try again when it has ended"
        ) from error


def json_text(dialect: str, column: str, name: str) -> str:
    """The SQL for the text of one field in a column of JSON; null where there is none.

    >>> json_text("postgresql", "payload", "channel")
    "CAST(payload AS jsonb) ->> 'channel'"
    """
    if dialect == "sqlite":
        return f"json_extract({column}, '$.{name}')"
    return f"CAST({column} AS jsonb) ->> '{name}'"


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@retry(
    retry=retry_if_exception(_is_busy),
    wait=wait_random(0.005, 0.05),
    stop=stop_after_delay(_BUSY_SECONDS),
    reraise=True,
)
def write_ahead(connection: sqlite3.Connection) -> None:
    """Keep this SQLite file with a write-ahead log from now on, so that readers and a writer pass each other by.

    SQLite does not wait here for who writes, whatever its `busy_timeout`: of two processes that open a new file at
    once it would fail one. Raises sqlite3.OperationalError when another holds the file for ten seconds or more.
    """
    connection.execute("PRAGMA journal_mode=WAL")


def insert_into(table: Table, dialect: str) -> Any:
    """An insert that knows `on_conflict_…`, which SQLite and PostgreSQL share and standard SQL lacks."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, full or busy, and would take the same statement later; else it never will."""
    ours = DataError, IntegrityError, NotSupportedError, ProgrammingError
    return isinstance(error, DBAPIError | PoolTimeout) and not isinstance(error, ours)


def as_sqlalchemys(error: Exception, engine: Engine) -> BaseException:
    """What SQLAlchemy would raise for an error of the driver; without parameters, as these hold people's ids."""
    kinds = engine.dialect.loaded_dbapi.Error
    return DBAPIError.instance(None, None, error, kinds, hide_parameters=True, dialect=engine.dialect)


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


@contextmanager
def writing_by_driver(engine: Engine, lock: int) -> Iterator[Any]:
    """The same with the driver's own cursor, for the one transaction that every answer waits for.

    SQLAlchemy's way to the driver costs as much CPU as SQLite's insert of a row. Errors are raised as SQLAlchemy's.
    """
    driver = engine.dialect.loaded_dbapi
    try:
        with closing(engine.raw_connection()) as connection:  # which takes back what was not committed
            try:
                cursor = connection.cursor()
                if engine.dialect.name == "postgresql":
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
                else:
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                connection.commit()
            except driver.Error as error:
                if engine.dialect.is_disconnect(error, connection.driver_connection, None):
                    connection.invalidate(error)  # there is nothing to take back any more
                raise
    except driver.Error as error:
        raise as_sqlalchemys(error, engine) from error


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")  # before anything that has to wait for another
    write_ahead(connection)
    for pragma in (
        "synchronous=FULL",
        f"cache_size=-{_CACHE_KILOBYTES}",
        "secure_delete=ON",  # what is deleted is overwritten, or an erased person could be read in the file
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

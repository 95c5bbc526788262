"""Bringing a database to the revision that this code was written for, in one transaction: all of it or none.

Revisions are alembic's, a file each in `versions/`. Beside its own revision a database keeps from which revision on
code works on it (`works_from` of the newest one that was applied), so that code of yesterday can tell a database that
grew, on which it goes on, from one that was cut, on which it must not.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from features.migrations.adopt import adopt
from features.migrations.versions.r0001_first_release import revision as first

VERSIONS = Path(__file__).parent / "versions"
VERSION_TABLE = "kairos_version"
"""Not alembic's default, as MLflow may keep its own revision under that name in the same database."""

_STANDS = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), primary_key=True),
    Column("works_from", String(32)),
)

_ONE_AT_A_TIME = Lock()  # alembic's `op`, which the revisions call, is one for the process


@dataclass(frozen=True)
class Standing:
    """Where a database stands: its revision, None without one, and the revision from which on code works on it."""

    revision: str | None = None
    works_from: str | None = None


def standing(connection: Connection) -> Standing:
    """Where the database behind this connection stands."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return Standing()
    found = connection.execute(select(_STANDS)).one_or_none()
    return Standing() if found is None else Standing(found.version_num, found.works_from)


def newest(versions: Path = VERSIONS) -> str:
    """The revision that the code beside these versions was written for."""
    head = _scripts(versions).get_current_head()
    if head is None:
        raise ValueError(f"{versions} holds no revisions")
    return head


def is_ready(stands: Standing, versions: Path = VERSIONS) -> bool:
    """Whether code works on a database as it stands; False where it has to be brought up to date before.

    A newer one is ready as well, as long as it only grew. Raises RuntimeError when it did not: nothing that this code
    could do to it is right.
    """
    known = {script.revision for script in _scripts(versions).walk_revisions()}
    if stands.revision is None or stands.revision in known:
        return stands.revision == newest(versions)
    if stands.works_from in known:
        return True
    raise RuntimeError(
        f"the database is at revision {stands.revision}, which needs code from revision {stands.works_from} on, and "
        f"this one ends at {newest(versions)}: run the version that migrated it, or restore the backup of before"
    )


def upgrade(connection: Connection, versions: Path = VERSIONS) -> list[str]:
    """Apply in the caller's transaction what the database lacks; returns these revisions, oldest first.

    An empty database gets every table. One with tables and no revision is of a time before there were revisions, and is
    completed to the first one. Raises RuntimeError where the database is too new or a revision fails; the caller rolls
    back, and nothing has changed.
    """
    stands = standing(connection)
    if is_ready(stands, versions):
        return []
    scripts, applied = _scripts(versions), list[str]()

    def missing(heads: Any, _context: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", heads)

    def note(step: Any, **_: Any) -> None:
        applied.append(step.up_revision_id)

    options = {"fn": missing, "version_table": VERSION_TABLE, "on_version_apply": (note,)}
    context = MigrationContext.configure(connection, opts=options)
    try:
        _STANDS.create(connection, checkfirst=True)
        if stands.revision is None and adopt(connection):
            context.stamp(scripts, first)
        with _ONE_AT_A_TIME, Operations.context(context):
            context.run_migrations()
        works_from = scripts.get_revision("head").module.works_from
        connection.execute(update(_STANDS).values(works_from=works_from))
    except SQLAlchemyError as error:
        after = applied[-1] if applied else stands.revision
        raise RuntimeError(f"migrating from revision {after} failed, and nothing was changed: {error}") from error
    return applied


@lru_cache
def _scripts(versions: Path) -> ScriptDirectory:
    return ScriptDirectory(versions, version_locations=[versions])

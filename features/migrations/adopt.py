"""Databases from before there were revisions: their tables are completed to those of the first one.

Such a database was made by one of many states of the code. Columns and tables that came later were added when it was
opened; indexes that changed were not.
"""

from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy import Connection, inspect

from features.migrations.versions.r0001_first_release import TABLES


def adopt(connection: Connection) -> bool:
    """Add what the database lacks of the first revision: tables, columns that may be null, indexes, changed ones anew.

    Nothing is dropped but an index that is made anew under its name. Returns whether there was anything to adopt; in an
    empty database there is not. Raises RuntimeError where a table is not what it was in any version.
    """
    if not TABLES.tables.keys() & set(inspect(connection).get_table_names()):
        return False
    options = {"include_name": _is_ours, "target_metadata": TABLES}
    context = MigrationContext.configure(connection, opts=options)
    changes = produce_migrations(context, TABLES).upgrade_ops
    steps = [] if changes is None else [step for change in changes.ops for step in _steps(change)]
    made = {step.index_name for step in steps if isinstance(step, ops.CreateIndexOp)}
    alter = Operations(context)
    for step in steps:
        if isinstance(step, ops.DropIndexOp) and step.index_name not in made:
            continue  # somebody's own
        if isinstance(step, ops.DropColumnOp):
            continue  # nobody reads it
        if not isinstance(step, ops.CreateTableOp | ops.AddColumnOp | ops.CreateIndexOp | ops.DropIndexOp):
            raise RuntimeError(
                f"a table {step.table_name!r} is here that no version of Kairos made ({step.to_diff_tuple()}); "
                f"name an empty database, or bring the rows over by hand"
            )
        alter.invoke(step)
    return True


def _steps(change: Any) -> list[Any]:
    return list(change.ops) if isinstance(change, ops.ModifyTableOps) else [change]


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name in TABLES.tables

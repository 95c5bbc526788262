"""How far in a log each projection has read. Stored beside what was projected, so that both are committed together."""

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, select

from features.database import insert_into, metadata
from features.selecting import Select

_OFFSETS = Table(
    "projection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)


def offset(connection: Connection, name: str) -> int:
    """The position up to which the projection of this name has read; 0 when it has read nothing."""
    return connection.execute(select(_OFFSETS.c.position).where(_OFFSETS.c.name == name)).scalar() or 0


def offset_by(read_by: Select, name: str) -> int:
    """The same for who asks often. A name is ours, and so goes into the statement."""
    found = read_by(f'SELECT "position" FROM "{_OFFSETS.name}" WHERE "name" = \'{name}\'', ())
    return int(found[0][0]) if found else 0


def move(connection: Connection, name: str, position: int) -> None:
    """Record that the projection has read up to `position`."""
    insert = insert_into(_OFFSETS, connection.dialect.name)
    moved = insert.on_conflict_do_update(index_elements=["name"], set_={"position": insert.excluded.position})
    connection.execute(moved, [{"name": name, "position": position}])


def forget(connection: Connection, name: str) -> None:
    """Begin anew from the start of the log."""
    connection.execute(delete(_OFFSETS).where(_OFFSETS.c.name == name))

"""Rows that name one of some ids: a few as parameters of their own, and many as one parameter.

PostgreSQL takes 65,535 parameters in a statement and SQLite half of that, while a bot, or a device in a shop, is joined
with as many ids as it likes. Texts of statements are kept, so many ids of whatever number make one text.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

FEW = 32
"""Nearly everybody has fewer. From here on a list is faster by 3 of 40 us, and before it by more than that."""

NOBODYS = "\"user_id\" || '' IS NULL"
"""Said of a row of a log that names no user. SQLite would look up a plain IS NULL in the index of users, and read what
all visitors ever did, rather than the rows of a few ids."""


def among(dialect: str, column: str, count: int) -> str:
    """The condition in the driver's own text; its parameters are `given` of as many ids.

    >>> among("sqlite", "user_id", 2), among("postgresql", "user_id", 70_000)
    ('"user_id" IN (?, ?)', '"user_id" = ANY(%s)')
    """
    if count <= FEW:
        return f'"{column}" IN ({", ".join([_mark(dialect)] * count)})'
    return f'"{column}" IN (SELECT value FROM json_each(?))' if dialect == "sqlite" else f'"{column}" = ANY(%s)'


def given(dialect: str, ids: Sequence[str]) -> Sequence[Any]:
    """The parameters of `among`.

    >>> given("sqlite", ["u1", "u2"])
    ['u1', 'u2']
    """
    if len(ids) <= FEW:
        return ids
    return [_listed(ids)] if dialect == "sqlite" else [list(ids)]


def told_apart(count: int) -> int:
    """What a statement's text depends on, of so many ids.

    >>> told_apart(3), told_apart(10_000) == told_apart(70_000)
    (3, True)
    """
    return count if count <= FEW else FEW + 1


def one_of(dialect: str, column: ColumnElement[Any], ids: Sequence[Any]) -> ColumnElement[bool]:
    """The condition for a statement of SQLAlchemy; ids are texts, or numbers where the column has these."""
    if len(ids) <= FEW:
        return column.in_(ids)
    if dialect == "sqlite":
        return column.in_(select(func.json_each(_listed(ids)).table_valued("value").c.value))
    return column == any_(literal(list(ids), ARRAY(column.type)))


def each_of(dialect: str) -> TableValuedAlias:
    """Ids as rows of a column `value`, for what a statement looks up of each by itself; see `ids_given`."""
    if dialect == "sqlite":
        return func.json_each(bindparam("ids", type_=Text)).table_valued("value")
    return func.unnest(bindparam("ids", type_=ARRAY(Text))).table_valued("value").render_derived()


def ids_given(dialect: str, ids: Sequence[str]) -> dict[str, Any]:
    """The parameter of `each_of`.

    >>> ids_given("sqlite", ["u1", "u2"])
    {'ids': '["u1","u2"]'}
    """
    return {"ids": _listed(ids) if dialect == "sqlite" else list(ids)}


def nobodys() -> ColumnElement[bool]:
    """`NOBODYS` for a statement of SQLAlchemy about one log."""
    return literal_column(NOBODYS)


def _mark(dialect: str) -> str:
    return "?" if dialect == "sqlite" else "%s"


def _listed(ids: Sequence[Any]) -> str:
    return msgspec.json.encode(ids).decode()

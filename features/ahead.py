"""The newest rows of ids in the log, and those dated ahead of what the features know: which may stand anywhere in it.

Features as of a moment leave out what occurred later, however early it stands. So all that an id ever did before them
is walked through in its index, 9 ms for 100,000 events. What stands before a position never changes but by an erasure:
where those rows are is remembered for as long as the features are these, and they are read again each time.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, Table, bindparam, select, true

from features.among import each_of, ids_given, nobodys, one_of

FIELDS = ("key", "type", "occurred_at", "received_at", "user_id", "anonymous_id", "payload", "position")
_MOST_HELD = 50_000
"""Ids and positions that are remembered: some megabytes."""


class Ahead:
    """Of ids that were asked about, where the rows stand that are dated `since` or later and not behind `after`."""

    def __init__(self) -> None:
        self._features: tuple[int, int, int] | None = None
        self._places: dict[tuple[str, str], list[int]] = {}
        self._held = 0

    def rows(
        self, connection: Connection, table: Table, name: str, ids: Sequence[str], types: tuple[str, ...], **wanted: int
    ) -> Sequence[Row[Any]]:
        """Of each of the `ids` of a column the newest `most`, oldest first; `after` and `since` are wanted as well."""
        features = wanted["after"], wanted["since"], wanted["most"]
        if features != self._features or self._held > _MOST_HELD:
            self._features, self._places, self._held = features, {}, 0
        dialect, places = connection.dialect.name, self._places
        if unasked := [id_ for id_ in ids if (name, id_) not in places]:
            places |= {(name, id_): [] for id_ in unasked}
            found = connection.execute(_early(table, dialect, name, types), ids_given(dialect, unasked) | wanted).all()
            for row in found:
                places[name, getattr(row, name)].append(row.position)
            self._held += len(unasked) + len(found)
        if not (there := [position for id_ in ids for position in places[name, id_]]):
            return []
        still = [one_of(dialect, table.c.position, there), one_of(dialect, table.c[name], ids), *_own(name)]
        still.append(table.c.occurred_at >= wanted["since"])
        return connection.execute(select(*(table.c[one] for one in FIELDS)).where(*still).order_by("position")).all()


@cache
def newest(table: Table, dialect: str, name: str, types: tuple[str, ...]) -> Select[Any]:
    """The rows behind `after`, oldest first, read from the end of the index of each id until there are `most`.

    To number the rows of all ids reads whatever an id ever did, so that a bot costs each range in which it occurs.
    Kept, as putting it together costs as much as the answer for a few ids.
    """
    own = table.alias("own")
    return _of_each(table, own, dialect, name, types, own.c.position > bindparam("after"), "upto")


@cache
def _early(table: Table, dialect: str, name: str, types: tuple[str, ...]) -> Select[Any]:
    own = table.alias("own")
    return _of_each(table, own, dialect, name, types, own.c.occurred_at >= bindparam("since"), "after")


def _of_each(
    table: Table, own: Any, dialect: str, name: str, types: tuple[str, ...], which: ColumnElement[bool], end: str
) -> Select[Any]:
    each = each_of(dialect)
    wanted = [own.c[name] == each.c.value, own.c.type.in_(types), own.c.position <= bindparam(end), which, *_own(name)]

    def latest(*columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(*wanted).order_by(own.c.position.desc()).limit(bindparam("most", type_=Integer))

    if dialect == "sqlite":  # which has no LATERAL
        positions = latest(own.c.position).correlate(each)
        rows = select(*(table.c[one] for one in FIELDS)).join_from(each, table, true())
        return rows.where(table.c.position.in_(positions)).order_by(table.c.position)
    some = latest(*(own.c[one] for one in FIELDS)).lateral("latest")
    return select(*(some.c[one] for one in FIELDS)).join_from(each, some, true()).order_by(some.c.position)


def _own(name: str) -> list[ColumnElement[bool]]:
    """What somebody did who was known by a user id is none of the visitor's."""
    return [nobodys()] if name == "anonymous_id" else []

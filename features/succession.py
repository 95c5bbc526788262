"""Records that rest on what was logged before them: written only while nothing came in between.

Several processes decide about the same people. Each looks at the log, decides, and writes a moment later; who wrote
first is right, and the other has to look again.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from features.log import Successor


def overtaken(connection: Connection, table: Table, successors: "Sequence[Successor]") -> set[str]:
    """The keys of those which must not be written any more: another of their type about the same person stands
    behind what their maker had seen.

    To be asked within the transaction that writes, which no other writer runs beside.
    """
    if not successors:
        return set()
    seen, types = min(one.seen for one in successors), sorted({one.type for one in successors})
    # as text for the driver, as in `Log.append`: this is asked within every commit
    mark = "?" if connection.dialect.positional else "%s"
    wanted = f'"position" > {mark} AND "type" IN ({", ".join([mark] * len(types))})'
    query = f'SELECT "position", "key", "type", "user_id", "anonymous_id" FROM "{table.name}" WHERE {wanted}'
    behind = connection.exec_driver_sql(query, (seen, *types)).all()
    of_user: defaultdict[str, list[Any]] = defaultdict(list)
    of_visitor: defaultdict[str, list[Any]] = defaultdict(list)
    for row in behind:
        if row.user_id is not None:
            of_user[row.user_id].append(row)
        else:
            of_visitor[row.anonymous_id].append(row)

    def news(one: "Successor") -> Iterator[Any]:
        users, visitors = one.ids
        about = chain.from_iterable([*(of_user[id_] for id_ in users), *(of_visitor[id_] for id_ in visitors)])
        return (row for row in about if row.position > one.seen and row.type == one.type and row.key not in one.known)

    return {one.key for one in successors if any(row.key != one.key for row in news(one))}

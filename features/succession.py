"""Records that rest on what was logged before them: written only while nothing came in between.

Several processes decide about the same people. Each looks at the log, decides, and writes a moment later; who wrote
first is right, and the other has to look again.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from features.log import Successor


class _Row(NamedTuple):
    position: int
    key: str
    type: str
    user_id: str | None
    anonymous_id: str | None


def overtaken(cursor: Any, table: str, mark: str, successors: "Sequence[Successor]") -> set[str]:
    """The keys of those which must not be written any more: another of their type about the same person stands
    behind what their maker had seen.

    To be asked within the transaction that writes, which no other writer runs beside: by its cursor, whose driver
    writes parameters as `mark`.
    """
    if not successors:
        return set()
    seen, types = min(one.seen for one in successors), sorted({one.type for one in successors})
    wanted = f'"position" > {mark} AND "type" IN ({", ".join([mark] * len(types))})'
    query = f'SELECT "position", "key", "type", "user_id", "anonymous_id" FROM "{table}" WHERE {wanted}'
    of_user: defaultdict[str, list[_Row]] = defaultdict(list)
    of_visitor: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in starmap(_Row, cursor.execute(query, (seen, *types)).fetchall()):
        if row.user_id is not None:
            of_user[row.user_id].append(row)
        elif row.anonymous_id is not None:
            of_visitor[row.anonymous_id].append(row)

    def news(one: "Successor") -> Iterator[_Row]:
        users, visitors = one.ids
        about = chain.from_iterable([*(of_user[id_] for id_ in users), *(of_visitor[id_] for id_ in visitors)])
        return (row for row in about if row.position > one.seen and row.type == one.type and row.key not in one.known)

    return {one.key for one in successors if any(row.key != one.key for row in news(one))}

"""The latest records of many persons at once: one statement for all of them, each person's part bounded by itself.

What is read for one is read the same way for a thousand, so that nobody's answer depends on who was asked with them.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from features.among import NOBODYS, among, given, told_apart
from features.log import Log, Record, microseconds
from features.person import Person

_PERSONS = 100
"""In one statement: SQLite takes 500 parts, and a longer text is prepared anew more often."""

_IDS = 1_000
"""In one statement as parameters of their own: its text is kept."""

_ALWAYS = 2**63 - 1


def latest_of(
    log: Log,
    people: Sequence[Person],
    limit: int,
    types: Collection[str],
    until: Sequence[datetime] | None = None,
    after: Sequence[int] | None = None,
) -> list[list[Record]]:
    """The latest `limit` records of these types of each person, oldest first: of those that `Log.of_person` finds, the
    person's own.

    With `until`, a moment a person, only what occurred by then: in a replay, what came later must not crowd it out; nor
    must what others did on a shared device, as a record that names a customer is that customer's. With `after`, a
    position a person, only what the log took in behind it: of somebody of whom nothing is new the index says so.
    """
    found: list[list[Record]] = [[] for _ in people]
    dialect = log.engine.dialect.name
    wanted = given(dialect, sorted(types))
    many = told_apart(len(types))
    begins = [0] * len(people) if after is None else after
    ends = [_ALWAYS] * len(people) if until is None else list(map(microseconds, until))
    shapes = [(told_apart(len(one.user_ids)), told_apart(len(one.anonymous_ids))) for one in people]
    for places in _together(shapes):
        text = _statement(log.table.name, dialect, tuple(shapes[places.start : places.stop]), many)
        told: list[Any] = []
        for place in places:
            users, visitors = given(dialect, people[place].user_ids), given(dialect, people[place].anonymous_ids)
            told += (place, *users, *visitors, begins[place], *wanted, ends[place], limit)
        for place, *row in log.read_by(text, tuple(told)):
            found[place].append(Record(*row))
    for records in found:
        records.sort(key=attrgetter("position"))
    return found


def _together(shapes: Sequence[tuple[int, int]]) -> Iterator[range]:
    """The places of those who fit into one statement."""
    first = ids = 0
    for place, (users, visitors) in enumerate(shapes):
        own = users + visitors
        if place > first and (place - first == _PERSONS or ids + own > _IDS):
            yield range(first, place)
            first, ids = place, 0
        ids += own
    if first < len(shapes):
        yield range(first, len(shapes))


@lru_cache(maxsize=512)
def _statement(table: str, dialect: str, shapes: tuple[tuple[int, int], ...], types: int) -> str:
    """As text for the driver, as building it by parts takes longer than SQLite needs to answer."""
    mark, integer = ("?", "?") if dialect == "sqlite" else ("%s", "CAST(%s AS bigint)")
    columns = ", ".join(f'"{name}"' for name in Record.__slots__)
    parts = []
    for users, visitors in shapes:
        own = [among(dialect, "user_id", users)] if users else []
        own += [f"{NOBODYS} AND {among(dialect, 'anonymous_id', visitors)}"] if visitors else []
        news = f'({" OR ".join(own)}) AND "position" > {mark}'
        wanted = f'{news} AND {among(dialect, "type", types)} AND "occurred_at" <= {mark}'
        inner = f'SELECT {integer} AS "place", {columns} FROM "{table}" WHERE {wanted}'
        parts.append(f'SELECT * FROM ({inner} ORDER BY "position" DESC LIMIT {integer}) AS "part"')
    return " UNION ALL ".join(parts)

"""Of whom the log holds anything new: one statement for many persons, answered by the index alone.

Most visitors did nothing since their row of features was made. To learn that of each by himself took half of the time
that reading him took.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from features.among import among, given, told_apart
from features.log import Log, microseconds
from features.person import Person


def stirred(log: Log, people: Sequence[Person], after: int, since: datetime) -> list[bool]:
    """Whether each person has a record behind position `after`, or one that occurred at `since` or later.

    Of a shared device, what somebody else did counts too: whoever reads the records then tells them apart.
    """
    users = sorted({id_ for person in people for id_ in person.user_ids})
    visitors = sorted({id_ for person in people for id_ in person.anonymous_ids})
    if not users and not visitors:
        return [False] * len(people)
    dialect = log.engine.dialect.name
    text = _statement(log.table.name, dialect, told_apart(len(users)), told_apart(len(visitors)))
    bounds = after, microseconds(since)
    told = tuple(value for ids in (users, visitors) if ids for value in (*given(dialect, ids), *bounds))
    found = {(kind, id_) for kind, id_ in log.read_by(text, told)}
    return [
        any(("user", id_) in found for id_ in person.user_ids)
        or any(("visitor", id_) in found for id_ in person.anonymous_ids)
        for person in people
    ]


@lru_cache(maxsize=512)
def _statement(table: str, dialect: str, users: int, visitors: int) -> str:
    """As text for the driver: building it by parts takes longer than SQLite needs to answer."""
    mark = "?" if dialect == "sqlite" else "%s"
    parts = [
        f'SELECT DISTINCT \'{kind}\', "{column}" FROM "{table}" WHERE {among(dialect, column, count)} '
        f'AND ("position" > {mark} OR "occurred_at" >= {mark})'
        for kind, column, count in (("user", "user_id", users), ("visitor", "anonymous_id", visitors))
        if count
    ]
    return " UNION ALL ".join(parts)

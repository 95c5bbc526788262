"""The table of links between ids: written as events state them, and asked of some ids at a time."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, select

from features.among import among, given, one_of
from features.database import insert_into, metadata
from features.identity_rules import Link, earliest, owners
from features.selecting import Statement

LINKS = Table(
    "identity_link",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Index("identity_link_of_user", "user_id"),
)
_LINKS = 'SELECT "kind", "id", "user_id", "since" FROM "identity_link" WHERE '


def record(connection: Connection, links: Iterable[Link]) -> None:
    """Write links down; of one that is there the earlier moment counts."""
    since = earliest(links)
    if not since:
        return
    insert = insert_into(LINKS, connection.dialect.name)
    upsert = insert.on_conflict_do_update(
        index_elements=["kind", "id", "user_id"],
        set_={"since": insert.excluded.since},
        where=LINKS.c.since > insert.excluded.since,
    )
    keys = sorted(since)  # one order for all writers, so that two of them never wait for each other
    connection.execute(upsert, [{"kind": k, "id": i, "user_id": u, "since": since[k, i, u]} for k, i, u in keys])


def touching(read: Statement, dialect: str, users: Sequence[str]) -> list[Link]:
    """Every link that names one of these users, as who took an id over or as who was taken over."""
    named, own = among(dialect, "id", len(users)), among(dialect, "user_id", len(users))
    some = given(dialect, users)
    return _links(read, f"(\"kind\" = 'user' AND {named}) OR {own}", *some, *some)


def claims_of(read: Statement, dialect: str, kind: str, ids: Sequence[str]) -> list[Link]:
    """Who took these ids over, which are all of one kind."""
    if not ids:
        return []
    return _links(read, f"\"kind\" = '{kind}' AND {among(dialect, 'id', len(ids))}", *given(dialect, ids))


def devices_of(read: Statement, dialect: str, users: Sequence[str]) -> set[str]:
    """The anonymous ids that ever named one of these users."""
    own = among(dialect, "user_id", len(users))
    return {id_ for _, id_, _, _ in _links(read, f"\"kind\" = 'anonymous' AND {own}", *given(dialect, users))}


def aliases_of(read: Statement, dialect: str, user_id: str) -> set[str]:
    """Every user id that aliases connect with this one, itself included."""
    users, fresh = {user_id}, {user_id}
    while fresh:
        taken_over = {id_ for kind, id_, _, _ in touching(read, dialect, sorted(fresh)) if kind == "user"}
        owner = owners(claims_of(read, dialect, "user", sorted(taken_over)))
        fresh = {id_ for pair in owner.items() if users & set(pair) for id_ in pair} - users
        users |= fresh
    return users


def claims_on(connection: Connection, ids: Collection[str]) -> list[Link]:
    """Every link that names one of these ids, of whatever kind, as the one that was taken over."""
    named = one_of(connection.dialect.name, LINKS.c.id, sorted(ids))
    return [tuple(row) for row in connection.execute(select(LINKS).where(named))]


def _links(read: Statement, where: str, *told: Any) -> list[Link]:
    # in the driver's text: to build a query anew costs as much again as SQLite's answer
    return [(kind, id_, user, since) for kind, id_, user, since in read(_LINKS + where, told)]

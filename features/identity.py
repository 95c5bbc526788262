"""Who is who: anonymous visitors and customers joined into persons, by what `identify` and `alias` said.

An anonymous id belongs to the customer who was identified with it first (ties by id), and so does the previous id of an
`alias`: two customer ids are one person only when an `alias` says so of the two, never because they shared a device.
Both rules take minima over recorded links, so the result does not depend on the order of arrival, and taking a link
away undoes its merge.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import BigInteger, Column, Connection, Engine, Index, Table, Text, delete, or_, select

from features.among import among, given, one_of
from features.database import insert_into, metadata
from features.events import Body, Event
from features.log import Log, microseconds
from features.offsets import forget, move, offset
from features.selecting import Select, Statement, by_engine

LINKS = Table(
    "identity_link",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Index("identity_link_of_user", "user_id"),
)
_NAME = "identity"
_LINKS = 'SELECT "kind", "id", "user_id", "since" FROM "identity_link" WHERE '
_REMEMBERED = 100_000
_POSITIONS = 50_000

Link = tuple[str, str, str, int]


@dataclass(frozen=True)
class Person:
    """One customer and every id that is known to be theirs."""

    customer_id: str
    user_ids: tuple[str, ...]
    anonymous_ids: tuple[str, ...]

    def did(self, user_id: str | None) -> bool:
        """Whether a record that names `user_id`, found by any of the ids, is theirs: a device may be shared."""
        return user_id is None or user_id in self.user_ids


def default_customer(user_id: str | None, anonymous_id: str | None) -> str:
    """The customer of an event as long as nobody was identified.

    >>> default_customer(None, "a1"), default_customer("u1", "a1")
    ('anonymous:a1', 'u1')
    """
    return user_id if user_id is not None else f"anonymous:{anonymous_id}"


_ANONYMOUS = default_customer(None, "")


def person_of(customer_id: str) -> Person:
    """Who a row of a table is by its customer alone, as long as nobody was joined to them since; what
    `default_customer` made of an id is taken apart.

    >>> person_of("anonymous:a1")
    Person(customer_id='anonymous:a1', user_ids=(), anonymous_ids=('a1',))
    >>> person_of("u1")
    Person(customer_id='u1', user_ids=('u1',), anonymous_ids=())
    """
    own = customer_id.removeprefix(_ANONYMOUS)
    return Person(customer_id, (), (own,)) if own != customer_id else Person(customer_id, (customer_id,), ())


class Identities:
    """The projection of the event log that knows persons; it can be dropped and rebuilt by `catch_up`."""

    def __init__(self, engine: Engine, read_by: Select | None = None) -> None:
        self.engine = engine
        self._read_by = read_by or by_engine(engine)
        self._dialect = engine.dialect.name
        self._mark = "?" if engine.dialect.positional else "%s"
        self._recorded: dict[tuple[str, str, str], int] = {}

    def observe(self, events: Sequence[Event]) -> None:
        """Record the links in `events`. Seeing an event twice, or in another order, changes nothing.

        Most events of a customer who is logged in state the same link again, so those recorded lately are remembered
        and cost no transaction.
        """
        links = [link for event in events for link in _links(_seen(event))]
        fresh = [link for link in links if link[3] < self._recorded.get(link[:3], link[3] + 1)]
        if fresh:
            with self.engine.begin() as connection:
                _record(connection, fresh)
            if len(self._recorded) > _REMEMBERED:
                self._recorded.clear()
            self._recorded |= _earliest(fresh)

    def catch_up(self, log: Log) -> int:
        """Record the links of everything in `log` that was not looked at yet; returns how many events had one."""
        with self.engine.connect() as connection:
            after = offset(connection, _NAME)
        upto, found = log.last_position(), 0
        for first in range(after, upto, _POSITIONS):
            found += self._catch_up(log.table, first, min(upto, first + _POSITIONS))
        return found

    def _catch_up(self, table: Table, after: int, upto: int) -> int:
        linking = or_(table.c.user_id.is_not(None) & table.c.anonymous_id.is_not(None), table.c.type == "aliased")
        with self.engine.begin() as connection:
            rows = connection.execute(
                select(table.c.type, table.c.occurred_at, table.c.user_id, table.c.anonymous_id, table.c.payload)
                .where(table.c.position > after, table.c.position <= upto, linking)
                .order_by(table.c.position)
            ).all()
            _record(connection, [link for row in rows for link in _links(tuple(row))])
            move(connection, _NAME, upto)
        return len(rows)

    def rebuild(self, log: Log) -> int:
        """Forget every link and learn them again from the log."""
        self._recorded.clear()
        with self.engine.begin() as connection:
            connection.execute(delete(LINKS))
            forget(connection, _NAME)
        return self.catch_up(log)

    def person(self, user_id: str | None, anonymous_id: str | None) -> Person:
        """The person behind a request; a new id is a person of its own. Raises ValueError when both ids are missing."""
        with self._read_by.together() as read:
            return self._person(read, user_id, anonymous_id)

    def _person(self, read: Statement, user_id: str | None, anonymous_id: str | None) -> Person:
        if user_id is None and anonymous_id is None:
            raise ValueError("a person needs a user_id or an anonymous_id; both are missing")
        if user_id is None and anonymous_id is not None:
            user_id = _owner(self._claims_of(read, "anonymous", [anonymous_id])).get(anonymous_id)
        if user_id is None:
            return Person(default_customer(None, anonymous_id), (), (anonymous_id,) if anonymous_id else ())
        links = self._touching(read, [user_id])
        users, seen = {user_id}, {id_ for kind, id_, _, _ in links if kind == "anonymous"}
        if any(kind == "user" for kind, _, _, _ in links):
            users = self._aliases_of(read, user_id)
            seen = self._devices_of(read, sorted(users))
        devices = seen | ({anonymous_id} if anonymous_id else set())
        owners = _owner(self._claims_of(read, "anonymous", sorted(devices)))
        devices = {device for device in seen if owners[device] in users}
        if anonymous_id is not None and anonymous_id not in owners:
            devices.add(anonymous_id)
        return Person(min(users), tuple(sorted(users)), tuple(sorted(devices)))

    def people(self, subjects: Sequence[tuple[str | None, str | None]]) -> list[Person]:
        """The person behind each (user id, anonymous id), as `person` knows them: in three statements for all.

        Whom an alias joins to others is asked for alone. Raises ValueError when both ids of one are missing.
        """
        if len(subjects) == 1:
            return [self.person(*subjects[0])]
        with self._read_by.together() as read:
            return self._people(read, subjects)

    def _people(self, read: Statement, subjects: Sequence[tuple[str | None, str | None]]) -> list[Person]:
        given = {anonymous_id for _, anonymous_id in subjects if anonymous_id is not None}
        owners = _owner(self._claims_of(read, "anonymous", sorted(given)))
        users = [user or owners.get(anonymous_id or "") for user, anonymous_id in subjects]
        known = sorted({user for user in users if user is not None})
        links = self._touching(read, known) if known else []
        devices: defaultdict[str, set[str]] = defaultdict(set)
        for kind, id_, owner, _ in links:
            if kind == "anonymous":
                devices[owner].add(id_)
        others = set().union(*devices.values()) - given
        owners |= _owner(self._claims_of(read, "anonymous", sorted(others)))
        joined = {id_ for kind, *both, _ in links if kind == "user" for id_ in both}
        found = []
        for (user_id, anonymous_id), user in zip(subjects, users, strict=True):
            if user is None or user in joined:
                found.append(self._person(read, user_id, anonymous_id))
                continue
            own = {device for device in devices[user] if owners[device] == user}
            if anonymous_id is not None and anonymous_id not in owners:
                own.add(anonymous_id)
            found.append(Person(user, (user,), tuple(sorted(own))))
        return found

    def _touching(self, read: Statement, users: Sequence[str]) -> list[Link]:
        """Every link that names one of these users, as who took an id over or as who was taken over; maybe twice."""
        named, own = among(self._dialect, "id", len(users)), among(self._dialect, "user_id", len(users))
        some = given(self._dialect, users)
        return _links_where(read, f"(\"kind\" = 'user' AND {named}) OR {own}", *some, *some)

    def _claims_of(self, read: Statement, kind: str, ids: Sequence[str]) -> list[Link]:
        """Who took these ids over."""
        if not ids:
            return []
        named = among(self._dialect, "id", len(ids))
        return _links_where(read, f'"kind" = {self._mark} AND {named}', kind, *given(self._dialect, ids))

    def _devices_of(self, read: Statement, users: Sequence[str]) -> set[str]:
        own = among(self._dialect, "user_id", len(users))
        links = _links_where(read, f"\"kind\" = 'anonymous' AND {own}", *given(self._dialect, users))
        return {id_ for _, id_, _, _ in links}

    def _aliases_of(self, read: Statement, user_id: str) -> set[str]:
        """Every user id that aliases connect with this one, itself included."""
        users, fresh = {user_id}, {user_id}
        while fresh:
            taken_over = {id_ for kind, id_, _, _ in self._touching(read, sorted(fresh)) if kind == "user"}
            owners = _owner(self._claims_of(read, "user", sorted(taken_over)))
            fresh = {id_ for pair in owners.items() if users & set(pair) for id_ in pair} - users
            users |= fresh
        return users

    def forget_recorded(self) -> None:
        """Remember no link that was recorded lately: some may have been erased from the table, and may be said anew."""
        self._recorded.clear()

    def claims(self, ids: Collection[str]) -> list[Link]:
        """Every link that names one of these ids as the one that was taken over: (kind, id, user id, since)."""
        named = one_of(self._dialect, LINKS.c.id, sorted(ids))
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(LINKS).where(named))]

    def table(self) -> pa.Table:
        """Columns `kind` (user or anonymous), `id`, `customer_id`: every id whose customer is not the default one."""
        with self.engine.connect() as connection:
            links = [tuple(row) for row in connection.execute(select(LINKS))]
        root = _components(_owner(link for link in links if link[0] == "user").items())
        rows = [("user", id_, customer) for id_, customer in sorted(root.items()) if id_ != customer]
        owners = _owner(link for link in links if link[0] == "anonymous")
        rows += [("anonymous", id_, root.get(user, user)) for id_, user in sorted(owners.items())]
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        return pa.table(
            {n: pa.array(c, pa.string()) for n, c in zip(("kind", "id", "customer_id"), columns, strict=True)}
        )


def _links_where(read: Statement, where: str, *told: Any) -> list[Link]:
    # in the driver's text: to build a query anew costs as much again as SQLite's answer
    return [(kind, id_, user, since) for kind, id_, user, since in read(_LINKS + where, told)]


def _seen(event: Event) -> tuple[str, int, str | None, str | None, Body]:
    return event.type, microseconds(event.occurred_at), event.user_id, event.anonymous_id, event.body


def _links(seen: tuple[str, int, str | None, str | None, Body | str]) -> list[Link]:
    """The links that one event states. The previous id of an alias may be of either kind, Segment does not tell."""
    kind, since, user_id, anonymous_id, body = seen
    links: list[Link] = []
    if user_id is not None and anonymous_id is not None:
        links.append(("anonymous", anonymous_id, user_id, since))
    if kind == "aliased" and user_id is not None:
        previous = (_previous(body) if isinstance(body, str) else body.previous_id) or user_id
        if previous != user_id:
            links += [("user", previous, user_id, since), ("anonymous", previous, user_id, since)]
    return links


def _previous(payload: str) -> str | None:
    return msgspec.json.decode(payload, type=Body).previous_id


def _record(connection: Connection, links: Iterable[Link]) -> None:
    earliest = _earliest(links)
    if not earliest:
        return
    insert = insert_into(LINKS, connection.dialect.name)
    upsert = insert.on_conflict_do_update(
        index_elements=["kind", "id", "user_id"],
        set_={"since": insert.excluded.since},
        where=LINKS.c.since > insert.excluded.since,
    )
    keys = sorted(earliest)  # one order for all writers, so that two of them never wait for each other
    connection.execute(upsert, [{"kind": k, "id": i, "user_id": u, "since": earliest[k, i, u]} for k, i, u in keys])


def _earliest(links: Iterable[Link]) -> dict[tuple[str, str, str], int]:
    earliest: dict[tuple[str, str, str], int] = {}
    for kind, id_, user, since in links:
        earliest[kind, id_, user] = min(since, earliest.get((kind, id_, user), since))
    return earliest


def _owner(links: Iterable[Link]) -> dict[str, str]:
    """The customer of each id: who was identified with it, or took it over by an alias, first; ties by id."""
    claims: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for _, id_, user, since in links:
        claims[id_].append((since, user))
    return {id_: min(claim)[1] for id_, claim in claims.items()}


def _components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The smallest id of each connected component, by id (union-find)."""
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        parent.setdefault(id_, id_)
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {id_: root(id_) for id_ in list(parent)}

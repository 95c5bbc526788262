"""Who is who: anonymous visitors and customers joined into persons, by what `identify` and `alias` said.

Whose an id is, `identity_rules.py` says; a projection of the event log keeps the links that the rules are about.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

import pyarrow as pa
from sqlalchemy import Engine, Table, delete, or_, select

from features.events import Event
from features.identity_links import LINKS, aliases_of, claims_of, claims_on, devices_of, record, touching
from features.identity_rules import Link, components, earliest, links_of, owners, seen
from features.log import Log
from features.offsets import forget, move, offset
from features.person import Person, default_customer
from features.selecting import Select, Statement, by_engine

_NAME = "identity"
_REMEMBERED = 100_000
_POSITIONS = 50_000


class Identities:
    """The projection of the event log that knows persons; it can be dropped and rebuilt by `catch_up`."""

    def __init__(self, engine: Engine, read_by: Select | None = None) -> None:
        self.engine = engine
        self._read_by = read_by or by_engine(engine)
        self._dialect = engine.dialect.name
        self._recorded: dict[tuple[str, str, str], int] = {}

    def observe(self, events: Sequence[Event]) -> None:
        """Record the links in `events`. Seeing an event twice, or in another order, changes nothing.

        Most events of a customer who is logged in state the same link again, so those recorded lately are remembered
        and cost no transaction.
        """
        links = [link for event in events for link in links_of(seen(event))]
        fresh = [link for link in links if link[3] < self._recorded.get(link[:3], link[3] + 1)]
        if fresh:
            with self.engine.begin() as connection:
                record(connection, fresh)
            if len(self._recorded) > _REMEMBERED:
                self._recorded.clear()
            self._recorded |= earliest(fresh)

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
            record(connection, [link for row in rows for link in links_of(tuple(row))])
            move(connection, _NAME, upto)
        return len(rows)

    def rebuild(self, log: Log) -> int:
        """Forget every link and learn them again from the log."""
        self._recorded.clear()
        with self.engine.begin() as connection:
            connection.execute(delete(LINKS))
            forget(connection, _NAME)
        return self.catch_up(log)

    def forget_recorded(self) -> None:
        """Remember no link that was recorded lately: some may have been erased from the table, and may be said anew."""
        self._recorded.clear()

    def person(self, user_id: str | None, anonymous_id: str | None) -> Person:
        """The person behind a request; a new id is a person of its own. Raises ValueError when both ids are missing."""
        with self._read_by.together() as read:
            return self._person(read, user_id, anonymous_id)

    def _person(self, read: Statement, user_id: str | None, anonymous_id: str | None) -> Person:
        if user_id is None and anonymous_id is None:
            raise ValueError("a person needs a user_id or an anonymous_id; both are missing")
        if user_id is None and anonymous_id is not None:
            user_id = owners(claims_of(read, self._dialect, "anonymous", [anonymous_id])).get(anonymous_id)
        if user_id is None:
            return Person(default_customer(None, anonymous_id), (), (anonymous_id,) if anonymous_id else ())
        links = touching(read, self._dialect, [user_id])
        users, named = {user_id}, {id_ for kind, id_, _, _ in links if kind == "anonymous"}
        if any(kind == "user" for kind, _, _, _ in links):
            users = aliases_of(read, self._dialect, user_id)
            named = devices_of(read, self._dialect, sorted(users))
        asked = named | ({anonymous_id} if anonymous_id else set())
        owner = owners(claims_of(read, self._dialect, "anonymous", sorted(asked)))
        devices = {device for device in named if owner[device] in users}
        if anonymous_id is not None and anonymous_id not in owner:
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
        owner = owners(claims_of(read, self._dialect, "anonymous", sorted(given)))
        users = [user or owner.get(anonymous_id or "") for user, anonymous_id in subjects]
        known = sorted({user for user in users if user is not None})
        links = touching(read, self._dialect, known) if known else []
        devices: defaultdict[str, set[str]] = defaultdict(set)
        for kind, id_, named, _ in links:
            if kind == "anonymous":
                devices[named].add(id_)
        others = set().union(*devices.values()) - given
        owner |= owners(claims_of(read, self._dialect, "anonymous", sorted(others)))
        joined = {id_ for kind, *both, _ in links if kind == "user" for id_ in both}
        found = []
        for (user_id, anonymous_id), user in zip(subjects, users, strict=True):
            if user is None or user in joined:
                found.append(self._person(read, user_id, anonymous_id))
                continue
            own = {device for device in devices[user] if owner[device] == user}
            if anonymous_id is not None and anonymous_id not in owner:
                own.add(anonymous_id)
            found.append(Person(user, (user,), tuple(sorted(own))))
        return found

    def claims(self, ids: Collection[str]) -> list[Link]:
        """Every link that names one of these ids as the one that was taken over."""
        with self.engine.connect() as connection:
            return claims_on(connection, ids)

    def table(self) -> pa.Table:
        """Columns `kind` (user or anonymous), `id`, `customer_id`: every id whose customer is not the default one."""
        with self.engine.connect() as connection:
            links = [tuple(row) for row in connection.execute(select(LINKS))]
        root = components(owners(link for link in links if link[0] == "user").items())
        rows = [("user", id_, customer) for id_, customer in sorted(root.items()) if id_ != customer]
        devices = owners(link for link in links if link[0] == "anonymous")
        rows += [("anonymous", id_, root.get(user, user)) for id_, user in sorted(devices.items())]
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        return pa.table(
            {n: pa.array(c, pa.string()) for n, c in zip(("kind", "id", "customer_id"), columns, strict=True)}
        )

"""The carts of everybody as a table: a projection of the event log, which may be dropped and is then built again.

Whoever did something, or turned out to be somebody else, is read anew from the log as a whole. So the table is the same
in whatever batches and in whatever order the events came, and what comes late is in its place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    Row,
    Table,
    Text,
    delete,
    func,
    select,
    tuple_,
)

from features.cart_kinds import CART_EVENTS, KINDS, KindName
from features.carts import IDLE, TTL, Cart, carts_of, grown_older
from features.database import metadata, writing
from features.identity import Identities
from features.log import Log, from_record, microseconds
from features.offsets import forget, move, offset
from features.people import Subject, people_of, records_of
from features.person import Person, default_customer

CARTS = Table(
    "cart",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("user_id", Text),
    Column("anonymous_id", Text),
    Column("seen_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("value", BigInteger),
    Column("payload", Text, nullable=False),
    Index("cart_open", "kind", "closed_at", "seen_at"),
)
_NAME = "cart"
_LOCK = 7_061_776_679
_POSITIONS = 200_000
_IDS_A_WRITE = 500
_PLACES = 10_000
_MOST = 2**63 - 1
_CART = msgspec.json.Decoder(Cart)


@dataclass(frozen=True)
class Times:
    """How long somebody must be gone until a cart counts as abandoned, and how long after that it is gone for good."""

    idle: timedelta = IDLE
    ttl: timedelta = TTL


Place = tuple[int, str]
"""Where a page ended: when the person was last seen, in microseconds, and who it was."""


@dataclass(frozen=True)
class KeptCart:
    """A row of the table, with whom to ask about: the customer, or the visitor of whom nobody knows who it is."""

    customer_id: str
    user_id: str | None
    anonymous_id: str | None
    cart: Cart

    @property
    def place(self) -> Place:
        """Behind which the next page begins."""
        return microseconds(self.cart.seen_at), self.customer_id


class CartTable:
    """Every cart, and the open ones of other kinds, as `carts_of` reads them from `CART_EVENTS`.

    `times`, by kind, are part of what a row says: with others the table is built again.
    """

    def __init__(self, engine: Engine, times: Mapping[KindName, Times] | None = None) -> None:
        self.engine = engine
        self.times = {name: (times or {}).get(name, Times()) for name in KINDS}
        self._rules = {
            f"{name} {what}": int(span.total_seconds())
            for name, one in self.times.items()
            for what, span in (("idle", one.idle), ("ttl", one.ttl))
        }

    def catch_up(self, log: Log, identities: Identities, positions: int = _POSITIONS) -> int:
        """Read what the log has since, so many positions a transaction; returns how many persons were read anew.

        Two processes may do it at once: whoever commits second begins again behind the first.
        """
        read = 0
        while True:
            upto = log.last_position()
            with self.engine.connect() as connection:
                after = self._offset(connection)
            if after >= upto:
                return read
            upto = min(upto, after + positions)
            identities.catch_up(log)
            people = _touched(log, identities, after, upto)
            rows = list(self._rows(log, people))
            with writing(self.engine, _LOCK) as connection:
                if self._offset(connection) != after:
                    continue
                if after == 0:
                    self._begin(connection)
                _replace(connection, people, rows)
                move(connection, _NAME, upto)
            read += len(people)

    def rebuild(self, log: Log, identities: Identities) -> int:
        """Forget every cart and read them again from the log."""
        with writing(self.engine, _LOCK) as connection:
            forget(connection, _NAME)
        return self.catch_up(log, identities)

    def abandoned(
        self,
        now: datetime,
        since: datetime,
        until: datetime,
        kind: KindName = "cart",
        min_value: Decimal | None = None,
        behind: Place | None = None,
        limit: int = 100,
    ) -> list[KeptCart]:
        """Carts that are abandoned at `now` and became so from `since` on and before `until`, the earliest first.

        With `min_value` only those that are known to be worth as much, in whatever currency they are.
        """
        times, moment = self.times[kind], timedelta(microseconds=1)
        earliest = max(since - times.idle, now - times.idle - times.ttl + moment)
        latest = min(until - times.idle, now - times.idle + moment)
        wanted = [
            CARTS.c.kind == kind,
            CARTS.c.closed_at.is_(None),
            CARTS.c.seen_at >= microseconds(earliest),
            CARTS.c.seen_at < microseconds(latest),
        ]
        if min_value is not None:
            wanted.append(CARTS.c.value >= _stored(min_value))
        if behind is not None:
            wanted.append(tuple_(CARTS.c.seen_at, CARTS.c.customer_id) > tuple_(*behind))
        query = select(CARTS).where(*wanted).order_by(CARTS.c.seen_at, CARTS.c.customer_id).limit(limit)
        return self._select(query, now)

    def everything(self, now: datetime) -> list[KeptCart]:
        """Every row, by customer, kind and time, as it is at `now`."""
        return self._select(select(CARTS).order_by(CARTS.c.customer_id, CARTS.c.kind, CARTS.c.number), now)

    def _offset(self, connection: Connection) -> int:
        kept = {name: offset(connection, name) for name in self._rules}
        return offset(connection, _NAME) if kept == self._rules else 0

    def _begin(self, connection: Connection) -> None:
        connection.execute(delete(CARTS))
        for name, seconds in self._rules.items():
            move(connection, name, seconds)

    def _select(self, query: object, now: datetime) -> list[KeptCart]:
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()  # type: ignore[call-overload]
        return [KeptCart(row.customer_id, row.user_id, row.anonymous_id, self._now(row, now)) for row in rows]

    def _now(self, row: Row[tuple[object, ...]], now: datetime) -> Cart:
        times = self.times[row.kind]
        return grown_older(_CART.decode(row.payload), now, times.idle, times.ttl)

    def _rows(self, log: Log, people: Iterable[Person]) -> Iterator[dict[str, object]]:
        for person, records in records_of(log, people, CART_EVENTS):
            if not records:
                continue
            events = [from_record(record) for record in records]
            last = max(event.occurred_at for event in events)
            for kind in KINDS.values():
                times = self.times[kind.name]
                carts = carts_of(events, last, times.idle, times.ttl, kind)
                for number, cart in enumerate(carts):
                    if cart.open or kind.name == "cart":
                        yield _row(person, number, cart)


def _row(person: Person, number: int, cart: Cart) -> dict[str, object]:
    return {
        "customer_id": person.customer_id,
        "kind": cart.kind,
        "number": number,
        "user_id": person.customer_id if person.user_ids else None,
        "anonymous_id": None if person.user_ids else person.anonymous_ids[0],
        "seen_at": microseconds(cart.seen_at),
        "closed_at": None if cart.closed_at is None else microseconds(cart.closed_at),
        "value": None if cart.value is None else _stored(cart.value),
        "payload": msgspec.json.encode(cart).decode(),
    }


def _stored(value: Decimal) -> int:
    return min(int(value * _PLACES), _MOST)


def _replace(connection: Connection, people: Sequence[Person], rows: Sequence[dict[str, object]]) -> None:
    names = {default_customer(None, id_) for person in people for id_ in person.anonymous_ids}
    names |= {id_ for person in people for id_ in (person.customer_id, *person.user_ids)}
    stale = sorted(names)
    for first in range(0, len(stale), _IDS_A_WRITE):
        connection.execute(delete(CARTS).where(CARTS.c.customer_id.in_(stale[first : first + _IDS_A_WRITE])))
    if rows:
        connection.execute(CARTS.insert(), list(rows))


def _touched(log: Log, identities: Identities, after: int, upto: int) -> list[Person]:
    """Whose carts may have changed by what stands between two positions of the log."""
    user, visitor = log.table.c.user_id, log.table.c.anonymous_id
    here = log.table.c.position > after, log.table.c.position <= upto
    did = select(user, visitor).where(*here, log.table.c.type.in_(CART_EVENTS)).distinct()
    both = user.is_not(None), visitor.is_not(None)
    named = select(user, visitor, func.min(log.table.c.occurred_at)).where(*here, *both).group_by(user, visitor)
    with log.engine.connect() as connection:
        subjects: set[Subject] = {(row[0], row[1]) for row in connection.execute(did)}
        links = {(row[1], row[0]): row[2] for row in connection.execute(named)}
    for record in log.read(after, upto - after, ("aliased",)):
        previous = from_record(record).body.previous_id
        if record.position <= upto and previous is not None and record.user_id is not None:
            links[previous, record.user_id] = min(links.get((previous, record.user_id), _MOST), record.occurred_at)
    subjects |= set(_reassigned(identities, links))
    return list({person.customer_id: person for person in people_of(identities, subjects).values()}.values())


def _reassigned(identities: Identities, links: dict[tuple[str, str], int]) -> Iterator[Subject]:
    """Everybody who claims an id of which a link says for the first time, or earlier than was known, whose it is."""
    taken = sorted({id_ for id_, _ in links})
    for first in range(0, len(taken), _IDS_A_WRITE):
        claims = identities.claims(taken[first : first + _IDS_A_WRITE])
        news = {id_ for _, id_, user, since in claims if links.get((id_, user), _MOST) <= since}
        for _, id_, user, _ in claims:
            if id_ in news:
                yield user, None
                yield None, id_

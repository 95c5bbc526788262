"""What lay abandoned at a moment of the past, read from the log: for simulation and replay.

The table of carts (`cart_table.py`) knows how they stand now, and a cart that was bought since is closed there. Who is
who is known as of now, as everywhere.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from features.cart_kinds import CART_EVENTS, KINDS, KindName
from features.cart_table import KeptCart, Times
from features.carts import carts_of
from features.identity import Identities
from features.log import Log, from_record, microseconds
from features.people import people_of, records_of
from features.person import Person

_INSTANT = timedelta(microseconds=1)


def abandoned_then(
    log: Log,
    identities: Identities,
    times: Times,
    then: datetime,
    since: datetime,
    until: datetime,
    kind: KindName = "cart",
    min_value: Decimal | None = None,
) -> list[KeptCart]:
    """What `CartTable.abandoned` would have answered just before `then`, from the log that there is now; the earliest
    first, all of them. Reads everybody who did something in the time in which a cart can be abandoned and not gone.
    """
    now = then - _INSTANT
    identities.catch_up(log)
    found = [
        kept
        for kept in _kept(log, identities, times, now, kind)
        if kept.cart.state == "abandoned"
        and since <= kept.cart.seen_at + times.idle < until
        and (min_value is None or (kept.cart.value is not None and kept.cart.value >= min_value))
    ]
    return sorted(found, key=lambda kept: kept.place)


def _kept(log: Log, identities: Identities, times: Times, now: datetime, kind: KindName) -> Iterator[KeptCart]:
    columns = log.table.c
    earliest = microseconds(now - times.idle - times.ttl)
    here = columns.occurred_at >= earliest, columns.occurred_at <= microseconds(now), columns.type.in_(CART_EVENTS)
    with log.engine.connect() as connection:
        found = connection.execute(select(columns.user_id, columns.anonymous_id).where(*here).distinct())
        subjects = {(row[0], row[1]) for row in found}
    people = {person.customer_id: person for person in people_of(identities, subjects).values()}
    for person, records in records_of(log, people.values(), CART_EVENTS):
        for cart in carts_of(map(from_record, records), now, times.idle, times.ttl, KINDS[kind]):
            if cart.open:
                yield KeptCart(person.customer_id, *_names(person), cart)


def _names(person: Person) -> tuple[str | None, str | None]:
    return (person.customer_id, None) if person.user_ids else (None, person.anonymous_ids[0])

"""Many persons at once: who they are, and what the log holds of each, in a few reads and not in one a person."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import select, true

from features.among import nobodys
from features.identity import Identities
from features.log import Log, Record, microseconds
from features.person import Person, default_customer, person_of

Subject = tuple[str | None, str | None]
"""A user id and an anonymous id, at least one of them, as a record has them."""

_FEW = 200
_IDS_A_READ = 500


def people_of(identities: Identities, subjects: Collection[Subject]) -> dict[Subject, Person]:
    """The person behind each subject; one that names a customer is that customer's, whoever else used the device.

    More than a few are looked up in one pass over all that is known of identities: 200 questions cost about as much.
    """
    wanted = set(subjects)
    if len(wanted) <= _FEW:
        return {(user, visitor): _one(identities, user, visitor) for user, visitor in wanted}
    columns = identities.table().to_pydict()
    owners: dict[str, dict[str, str]] = {"user": {}, "anonymous": {}}
    for kind, id_, customer in zip(columns["kind"], columns["id"], columns["customer_id"], strict=True):
        owners[kind][id_] = customer
    customers = {subject: _customer(subject, owners["user"], owners["anonymous"]) for subject in wanted}
    alone = map(person_of, set(customers.values()))
    ids = {one.customer_id: (set(one.user_ids), set(one.anonymous_ids)) for one in alone}
    for place, kind in enumerate(("user", "anonymous")):
        for id_, customer in owners[kind].items():
            if customer in ids:
                ids[customer][place].add(id_)
    people = {id_: Person(id_, tuple(sorted(users)), tuple(sorted(own))) for id_, (users, own) in ids.items()}
    return {subject: people[customer] for subject, customer in customers.items()}


def records_of(
    log: Log, people: Iterable[Person], types: Collection[str], since: datetime | None = None
) -> Iterator[tuple[Person, list[Record]]]:
    """Everything that the log holds of each person, in its order: only these types, and only from `since` on.

    A record that names a customer is that customer's, whoever else used the device.
    """
    waiting = iter({person.customer_id: person for person in people}.values())
    while some := list(islice(waiting, _IDS_A_READ)):
        found: dict[str, list[Record]] = {person.customer_id: [] for person in some}
        owners = {id_: person.customer_id for person in some for id_ in person.user_ids}
        for record in _read(log, "user_id", owners, types, since):
            found[owners[record.user_id or ""]].append(record)
        owners = {id_: person.customer_id for person in some for id_ in person.anonymous_ids}
        for record in _read(log, "anonymous_id", owners, types, since):
            found[owners[record.anonymous_id or ""]].append(record)
        for person in some:
            yield person, sorted(found[person.customer_id], key=lambda record: record.position)


def _read(
    log: Log, column: str, owners: Mapping[str, str], types: Collection[str], since: datetime | None
) -> Iterator[Record]:
    table = log.table
    conditions = [
        table.c.type.in_(sorted(types)) if types else true(),
        table.c.occurred_at >= microseconds(since) if since is not None else true(),
        nobodys() if column == "anonymous_id" else true(),
    ]
    columns = [table.c[name] for name in Record.__slots__]
    ids: Sequence[str] = sorted(owners)
    with log.engine.connect() as connection:
        for first in range(0, len(ids), _IDS_A_READ):
            theirs = table.c[column].in_(ids[first : first + _IDS_A_READ])
            for row in connection.execute(select(*columns).where(theirs, *conditions)):
                yield Record(*row)


def _one(identities: Identities, user_id: str | None, anonymous_id: str | None) -> Person:
    return identities.person(user_id, anonymous_id if user_id is None else None)


def _customer(subject: Subject, users: Mapping[str, str], visitors: Mapping[str, str]) -> str:
    user_id, anonymous_id = subject
    if user_id is not None:
        return users.get(user_id, user_id)
    return visitors.get(anonymous_id or "", default_customer(None, anonymous_id))

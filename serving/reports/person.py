"""Who a report on one customer is about: all their ids, whether anything may be told of them, and who looked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from features.log import moment
from features.person import Person, default_customer
from serving.reports.visitor_schemas import KnownId
from serving.resources import Resources
from serving.schemas import Subject

_AGAIN = timedelta(minutes=10)
"""Who looks at the same person again within this is written down once."""

_LATEST = 20
_ANONYMOUS = default_customer(None, "")


@dataclass(frozen=True)
class Looked:
    """A person who is looked at. `known` says that anything was ever heard of them."""

    person: Person
    known: bool
    suppressed: bool


def looked_at(resources: Resources, subject: Subject, actor: str, role: str) -> Looked:
    """The person behind a subject, which has an id; that `actor` looked is written down, without an id."""
    person = resources.identities.person(subject.user_id, subject.anonymous_id)
    _written(resources, person, actor, role)
    return Looked(person, is_known(resources, person), resources.privacy.suppressed(person))


def is_known(resources: Resources, person: Person) -> bool:
    """Whether anything was ever heard of a person, or said about them."""
    logs = resources.events.log, resources.decisions.log
    return any(
        person.did(record.user_id)
        for log in logs
        for record in log.of_person(person.user_ids, person.anonymous_ids, limit=_LATEST)
    )


def subject_of(resources: Resources, told: str) -> Subject | None:
    """Whom an id stands for: a user or anonymous id, that of a decision, a recommendation, or a prepared cart.

    An id that could be either kind is a user's, if anything was ever heard of such a user. None where nobody is known.
    """
    visitor = told.removeprefix(_ANONYMOUS)
    tried = [Subject.model_construct(user_id=told), Subject.model_construct(anonymous_id=visitor)]
    for subject in tried:
        if is_known(resources, resources.identities.person(subject.user_id, subject.anonymous_id)):
            return subject
    record = resources.decisions.log.find(told)
    if record is None or (record.user_id is None and record.anonymous_id is None):
        return None
    return Subject.model_construct(user_id=record.user_id, anonymous_id=record.anonymous_id)


def ids_of(resources: Resources, person: Person) -> list[KnownId]:
    """Every id, and since when it is known to be this person's; null for the one that names them."""
    own = {*person.user_ids, *person.anonymous_ids}
    since: dict[tuple[str, str], int] = {}
    for kind, id_, user, at in resources.identities.claims(own):
        if user in person.user_ids:
            since[kind, id_] = min(at, since.get((kind, id_), at))
            since.setdefault(("user", user), at) if kind == "user" and user != person.customer_id else None
    found = [("user", id_) for id_ in person.user_ids] + [("anonymous", id_) for id_ in person.anonymous_ids]
    return [KnownId(kind=kind, id=id_, since=_when(since.get((kind, id_)))) for kind, id_ in found]


def restock_moment(resources: Resources, as_of: datetime) -> datetime:
    """As of when to foresee: `as_of`, unless everybody was scored so long ago that nothing is known of that time.

    A shop whose data end years ago is shown as it was at their end.
    """
    scored = resources.restock.scored
    if scored is None or as_of - scored.table.as_of <= STALE:
        return as_of
    return scored.table.as_of


STALE = timedelta(days=30)
"""After so long without new forecasts the data have ended, rather than that somebody forgot a night."""


def _when(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _written(resources: Resources, person: Person, actor: str, role: str) -> None:
    hash_, now = resources.privacy.suppressions.hashes_of(person)[0], resources.clock()
    before = resources.acts.latest(_LATEST, objects=(hash_,))
    if not any(done.actor == actor and done.act == "looked" and now - done.at < _AGAIN for done in before):
        resources.acts.write(now, actor, role, "looked", hash_)

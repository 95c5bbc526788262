"""What is known of the person whom a decision is about: who it is, what was decided before, events, cart, features.

Read once a decision, in the thread of the caller. Who it is and what was decided come first, as most engines ask
several times a recipient, and the same question then needs nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from features.cart_kinds import BROWSE, CART, WISHLIST, Kind
from features.carts import Cart, carts_of
from features.contact import CONSENT_EVENTS, CONTACT_EVENTS, Contact, contact_of
from features.events import Event
from features.identity import Identities, Person
from features.log import Log, from_record
from features.store import CustomerRow
from serving.decisions.past import Past, past_of
from serving.decisions.question import Question
from serving.decisions.zones import Place, place
from serving.schemas import Subject
from serving.visitor import Degraded, Visitors

ROW = (
    "recency_days",
    "frequency",
    "monetary",
    "orders_30d",
    "orders_365d",
    "order_interval_mean_days",
    "basket_size_mean",
    "return_share",
    "price_mean",
    "repurchase_probability_28d",
    "is_overdue",
)
"""The features of a customer that a decision asks for, of both views, in one round to the store."""

KINDS = {"browse_abandoned": BROWSE, "wishlist_abandoned": WISHLIST}
"""What an episode is about, by what began it; a cart where nothing is said here."""

_MOST_CONTACTS = 1_000
_MOST_EVENTS = 500


@dataclass(frozen=True)
class Somebody:
    """A person, and the latest decisions about them, oldest first."""

    person: Person
    past: Sequence[Past]

    @property
    def customer_id(self) -> str:
        """The merged customer."""
        return self.person.customer_id


@dataclass(frozen=True)
class Situation:
    """Everything that a decision may rest on. `cart` is the one that the trigger names, else the one that is open.

    `row` is None for whom no features are known; `degraded` says that they could not be asked for.
    """

    somebody: Somebody
    events: Sequence[Event]
    contact: Contact
    cart: Cart | None
    place: Place
    row: CustomerRow | None = None
    degraded: Degraded | None = None


def somebody_of(identities: Identities, decisions: Log, subject: Subject, at: datetime) -> Somebody:
    """The person behind a subject that has an id, and what was decided about them until `at`."""
    person = identities.person(subject.user_id, subject.anonymous_id)
    return Somebody(person, past_of(decisions, person, at))


def situation_of(
    question: Question, somebody: Somebody, events: Log, visitors: Visitors, shop_zone: str, stored: bool
) -> Situation:
    """What is known at the moment of the question; `stored` is whether the feature store holds anything at all."""
    row, degraded = _row(visitors, somebody.person, question.at) if stored else (None, None)
    return replace(known_of(question, somebody, events, shop_zone), row=row, degraded=degraded)


def known_of(question: Question, somebody: Somebody, events: Log, shop_zone: str) -> Situation:
    """The same without features, from the log alone: enough for the rules."""
    point, at = question.point, question.at
    kind = KINDS.get(question.trigger_type, CART)
    behaviour, told = events_of(events, somebody.person, kind)
    contact = contact_of([*told, *behaviour], at)
    found = carts_of(behaviour, at, timedelta(minutes=point.idle_minutes), timedelta(hours=point.ttl_hours), kind)
    return Situation(
        somebody=somebody,
        events=behaviour,
        contact=contact,
        cart=meant(found, question.trigger_id),
        place=place([question.context.timezone, contact.timezone], shop_zone),
    )


def events_of(events: Log, person: Person, kind: Kind) -> tuple[list[Event], list[Event]]:
    """The latest events that a cart of this kind is made of, and those about messages and consent."""
    types = sorted(kind.types)
    behaviour = events.of_person(person.user_ids, person.anonymous_ids, 0, _MOST_EVENTS, types=types)
    told = events.of_person(person.user_ids, person.anonymous_ids, 0, _MOST_CONTACTS, types=CONTACT_EVENTS)
    if len(told) == _MOST_CONTACTS:  # a withdrawal holds for ever, however much was sent since
        told += events.of_person(person.user_ids, person.anonymous_ids, 0, _MOST_CONTACTS, types=CONSENT_EVENTS)
    theirs = ([from_record(one) for one in found if person.did(one.user_id)] for found in (behaviour, told))
    return next(theirs), next(theirs)


def meant(carts: Sequence[Cart], trigger_id: str) -> Cart | None:
    """The cart that a trigger names; where it names none that is known, the one that is open."""
    named = [cart for cart in carts if cart.cart_id == trigger_id]
    if named:
        return named[-1]
    return carts[-1] if carts and carts[-1].open else None


def warm_up(visitors: Visitors, clock: Callable[[], datetime]) -> None:
    """Ask for nobody's features, as the first question to the store takes longer than anybody waits."""
    if features_exist(visitors):
        visitors.warm_up(ROW, clock())


def features_exist(visitors: Visitors) -> bool:
    """Whether features were ever built: a shop that never did is not degraded, its customers are just not known."""
    return Path(visitors.store.config.registry.path).exists()


def _row(visitors: Visitors, person: Person, at: datetime) -> tuple[CustomerRow | None, Degraded | None]:
    """The row of the customer, unless it knows of what came after `at`, as it may in a replay."""
    rows, degraded = visitors.rows(person, ROW, at)
    return next((row for row in rows if row.event_timestamp <= at), None), degraded

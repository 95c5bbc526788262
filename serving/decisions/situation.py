"""What is known of the person whom a decision is about: who it is, what was decided before, events, cart, features.

Read for all who are asked about together, in a few statements. Who it is and what was decided come first, as most
engines ask several times a recipient, and the same question then needs nothing else.
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
from features.latest import latest_of
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
    """A person, and the decisions about them, oldest first."""

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


def somebodies(
    identities: Identities, decisions: Log, subjects: Sequence[Subject], until: Sequence[datetime]
) -> list[Somebody]:
    """The person behind each subject, which has an id, and what was decided about them until a moment of theirs."""
    people = identities.people([(subject.user_id, subject.anonymous_id) for subject in subjects])
    return [Somebody(*known) for known in zip(people, past_of(decisions, people, until), strict=True)]


def situations_of(
    asked: Sequence[tuple[Question, Somebody]], events: Log, visitors: Visitors, shop_zone: str, stored: bool
) -> list[Situation]:
    """What is known of each at the moment of the question; `stored` is whether the feature store holds anything."""
    known = known_of(asked, events, shop_zone)
    if not stored or not known:
        return known
    moments = [question.at for question, _ in asked]
    rows, degraded = visitors.rows_of_all([somebody.person for _, somebody in asked], ROW, max(moments))
    return [
        replace(one, row=_row(own, at), degraded=degraded) for one, own, at in zip(known, rows, moments, strict=True)
    ]


def known_of(asked: Sequence[tuple[Question, Somebody]], events: Log, shop_zone: str) -> list[Situation]:
    """The same without features, from the log alone: enough for the rules."""
    kinds = [KINDS.get(question.trigger_type, CART) for question, _ in asked]
    read: dict[int, tuple[list[Event], list[Event]]] = {}
    for kind in dict.fromkeys(kinds):
        places = [place for place, own in enumerate(kinds) if own is kind]
        people, moments = [asked[place][1].person for place in places], [asked[place][0].at for place in places]
        read |= zip(places, events_of(events, people, kind, moments), strict=True)
    return [
        _situation(question, somebody, *read[place], kinds[place], shop_zone)
        for place, (question, somebody) in enumerate(asked)
    ]


def _situation(
    question: Question, somebody: Somebody, behaviour: list[Event], told: list[Event], kind: Kind, shop_zone: str
) -> Situation:
    point, at = question.point, question.at
    contact = contact_of([*told, *behaviour], at)
    found = carts_of(behaviour, at, timedelta(minutes=point.idle_minutes), timedelta(hours=point.ttl_hours), kind)
    return Situation(
        somebody=somebody,
        events=behaviour,
        contact=contact,
        cart=meant(found, question.trigger_id),
        place=place([question.context.timezone, contact.timezone], shop_zone),
    )


def events_of(
    events: Log, people: Sequence[Person], kind: Kind, until: Sequence[datetime]
) -> list[tuple[list[Event], list[Event]]]:
    """Of each person the latest events, until a moment of theirs, that a cart of this kind is made of, and those about
    messages and consent."""
    behaviour = latest_of(events, people, _MOST_EVENTS, kind.types, until)
    told = latest_of(events, people, _MOST_CONTACTS, CONTACT_EVENTS, until)
    many = [place for place, records in enumerate(told) if len(records) == _MOST_CONTACTS]
    if many:  # a withdrawal holds for ever, however much was sent since
        theirs, moments = [people[place] for place in many], [until[place] for place in many]
        said = latest_of(events, theirs, _MOST_CONTACTS, CONSENT_EVENTS, moments)
        for place, records in zip(many, said, strict=True):
            told[place] += records
    return [
        (list(map(from_record, own)), list(map(from_record, about))) for own, about in zip(behaviour, told, strict=True)
    ]


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
    return (Path(visitors.store.config.registry.path).parent / "customer").exists()


def _row(rows: Sequence[CustomerRow], at: datetime) -> CustomerRow | None:
    """The row of the customer, unless it knows of what came after `at`, as it may in a replay."""
    return next((row for row in rows if row.event_timestamp <= at), None)

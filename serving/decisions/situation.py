"""What is known of the person whom a decision is about: who it is, what was decided before, events, cart, features.

Read for all who are asked about together, in a few statements. Who it is and what was decided come first, as most
engines ask several times a recipient, and the same question then needs nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from features.cart_kinds import BROWSE, CART, WISHLIST
from features.carts import Cart
from features.contact import Contact
from features.customer_row import CustomerRow
from features.identity import Identities
from features.log import Log
from features.person import Person
from serving.decisions.histories import Histories, Wanted
from serving.decisions.past import Past, past_of
from serving.decisions.question import Question
from serving.decisions.zones import Place, place
from serving.schemas import Subject
from serving.visitor import Degraded
from serving.visitors import Visitors

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

    `orders` are when something was bought, in microseconds since 1970, oldest first; `device` is what the latest event
    that named one said. `row` is None for whom no features are known; `degraded` says that they could not be asked for.
    """

    somebody: Somebody
    orders: Sequence[int]
    contact: Contact
    cart: Cart | None
    place: Place
    row: CustomerRow | None = None
    degraded: Degraded | None = None
    device: str | None = None


def somebodies(
    identities: Identities, decisions: Log, subjects: Sequence[Subject], until: Sequence[datetime]
) -> list[Somebody]:
    """The person behind each subject, which has an id, and what was decided about them until a moment of theirs."""
    people = identities.people([(subject.user_id, subject.anonymous_id) for subject in subjects])
    return [Somebody(*known) for known in zip(people, past_of(decisions, people, until), strict=True)]


def situations_of(
    asked: Sequence[tuple[Question, Somebody]], histories: Histories, visitors: Visitors, shop_zone: str, stored: bool
) -> list[Situation]:
    """What is known of each at the moment of the question; `stored` is whether the feature store holds anything."""
    known = known_of(asked, histories, shop_zone)
    if not stored or not known:
        return known
    moments = [question.at for question, _ in asked]
    rows, degraded = visitors.rows_of_all([somebody.person for _, somebody in asked], ROW, max(moments))
    return [
        replace(one, row=_row(own, at), degraded=degraded) for one, own, at in zip(known, rows, moments, strict=True)
    ]


def known_of(asked: Sequence[tuple[Question, Somebody]], histories: Histories, shop_zone: str) -> list[Situation]:
    """The same without features, from the log alone: enough for the rules."""
    wanted = [_wanted(question, somebody) for question, somebody in asked]
    found = histories.of(wanted, [question.at for question, _ in asked])
    return [
        Situation(
            somebody=somebody,
            orders=history.orders,
            contact=history.contact,
            cart=meant(history.carts, question.trigger_id),
            place=place([question.context.timezone, history.contact.timezone], shop_zone),
            device=history.device,
        )
        for (question, somebody), history in zip(asked, found, strict=True)
    ]


def _wanted(question: Question, somebody: Somebody) -> Wanted:
    point, kind = question.point, KINDS.get(question.trigger_type, CART)
    return Wanted(somebody.person, kind, timedelta(minutes=point.idle_minutes), timedelta(hours=point.ttl_hours))


def meant(carts: Sequence[Cart], trigger_id: str) -> Cart | None:
    """The cart that a trigger names; where it names none that is known, the one that is open."""
    named = [cart for cart in carts if cart.cart_id == trigger_id]
    if named:
        return named[-1]
    return carts[-1] if carts and carts[-1].open else None


def warm_up(visitors: Visitors, clock: Callable[[], datetime]) -> None:
    """Ask for nobody's features, as the first question to the store takes longer than anybody waits."""
    if visitors.features_exist():
        visitors.warm_up(ROW, clock())


def _row(rows: Sequence[CustomerRow], at: datetime) -> CustomerRow | None:
    """The row of the customer, unless it knows of what came after `at`, as it may in a replay."""
    return next((row for row in rows if row.event_timestamp <= at), None)

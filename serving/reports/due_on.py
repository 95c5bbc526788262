"""Who is due on one day, for a page: as `POST /v1/restock/due` tells it, without carts, and in no log."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from features.person import Person
from features.purchases import last_day
from models.published import PublishedReplenishment
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.group_names import group_name
from serving.problems import InvalidField, Refused
from serving.reports.person import restock_moment
from serving.resources import Resources
from serving.restock.customer import customer_behind, over_groups
from serving.restock.due import Due, Page, Question, due_page
from serving.restock.taught import Taught, taught
from serving.restock.touched import ScoredCustomers

_EPOCH = date(1970, 1, 1)
_ROUNDS = 10


@dataclass(frozen=True)
class DueCustomer:
    """Somebody who is due: by their likeliest need, what it is for, and how likely it comes on that very day."""

    customer_id: str
    probability: float
    needs: str
    packs: int
    last_bought: date


@dataclass(frozen=True)
class DueOn:
    """A page of customers by their ids; `after` is what the next one begins behind, None at the end."""

    day: date
    as_of: datetime
    customers: tuple[DueCustomer, ...]
    after: str | None


def due_on(resources: Resources, day: date, least: float, after: str, limit: int) -> DueOn:
    """The next customers of whom a need comes on `day` with probability `least` or more.

    Raises `Refused` where nobody was scored, and for a day that the table says nothing of.
    """
    published, scored = resources.restock.published(), resources.restock.customers()
    as_of = restock_moment(resources, resources.clock())
    today, wanted, made = last_day(as_of), (day - _EPOCH).days, last_day(scored.table.as_of)
    if not today < wanted <= made + HORIZON:
        first, last = _EPOCH + timedelta(days=today + 1), _EPOCH + timedelta(days=made + HORIZON)
        told = f"the day must lie from {first} to {last}"
        raise Refused("validation_error", told, [InvalidField(pointer="/on", code="out_of_range", detail=told)])
    question = Question(wanted, wanted, today, least, None, after, limit)
    found: list[DueCustomer] = []
    left: str | None = after
    for _ in range(_ROUNDS):  # after many orders a page may hold nobody, though others follow
        page = _page(resources, published, scored, replace(question, after=left or ""), as_of)
        out = resources.privacy.unlisted([due.person for due in page.customers])
        found += [_shown(resources, due) for due, gone in zip(page.customers, out, strict=True) if not gone]
        left = page.last_id
        if found or left is None:
            break
    return DueOn(day, as_of, tuple(found), left)


def _page(
    resources: Resources,
    published: PublishedReplenishment,
    scored: ScoredCustomers,
    question: Question,
    as_of: datetime,
) -> Page:
    groups = published.model.groups
    places = resources.restock.places(groups)

    def anew(person: Person) -> tuple[Forecasts, Taught]:
        customer = customer_behind(resources.restock.histories, person, as_of)
        forecasts = published.model.forecast(over_groups(customer.lines, groups, places), question.today)
        return forecasts, taught(customer.feedback(), forecasts, groups)

    return due_page(scored, question, anew)


def _shown(resources: Resources, due: Due) -> DueCustomer:
    unit, last = due.need
    row = due.forecasts.unit_ids.tolist().index(unit)
    product = str(due.forecasts.product_ids[row])
    return DueCustomer(
        customer_id=due.person.customer_id,
        probability=round(due.probability, 4),
        needs=group_name(unit) or resources.champion.shelf.title(product),
        packs=max(round(float(due.forecasts.packs[row])), 1),
        last_bought=_EPOCH + timedelta(days=last),
    )

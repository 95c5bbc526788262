"""What is known of the customer whom a restock request is about: what was bought, and what was said of past carts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil, isfinite

import numpy as np

from features.events import RESTOCK_FEEDBACK, Event
from features.identity import Identities
from features.log import Log, from_record
from features.person import Person
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from serving.restock.history import OrderHistories
from serving.schemas import Subject

REMEMBERED = timedelta(days=180)
"""How long what a customer said of a prepared cart is remembered at all."""

_MOST_FEEDBACK = 500
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Customer:
    """A person with the kept lines of their orders, as of one moment."""

    person: Person
    lines: Lines
    events: Log
    as_of: datetime

    def feedback(self) -> Sequence[Event]:
        """What they said of prepared carts, oldest first; read when it is asked for, as a forecast does not need it."""
        ids = self.person.user_ids, self.person.anonymous_ids
        found = self.events.of_person(*ids, limit=_MOST_FEEDBACK, types=(RESTOCK_FEEDBACK,))
        told = [from_record(record) for record in found if self.person.did(record.user_id)]
        return [event for event in told if self.as_of - REMEMBERED <= event.occurred_at < self.as_of]


def customer_of(
    histories: OrderHistories, identities: Identities, subject: Subject, as_of: datetime
) -> Customer | None:
    """Everything about `subject` before `as_of`, under all ids of the same person; None for a subject of no id."""
    if subject.user_id is None and subject.anonymous_id is None:
        return None
    return customer_behind(histories, identities.person(subject.user_id, subject.anonymous_id), as_of)


def customer_behind(histories: OrderHistories, person: Person, as_of: datetime) -> Customer:
    """The same of a person who is known already."""
    return Customer(person, histories.lines(person, as_of), histories.events, as_of)


def dated(day: float) -> date | None:
    """The date of a day since 1970, the next one for a part of a day; None for infinity."""
    return _EPOCH + timedelta(days=ceil(day)) if isfinite(day) else None


def over_groups(lines: Lines, groups: Groups, places: Mapping[str, int]) -> Lines:
    """The lines of products that `groups` know, with codes into its ids, so that a model need not look them up.

    `places` has the code of each product of `groups`. A catalogue has many ids and a forecast looks for them some
    fifteen times; found by bisection, each time, they took most of the time of an answer.
    """
    codes = np.array([places.get(id_, -1) for id_ in lines.product_ids], np.int32)[lines.products]
    known = codes >= 0
    return replace(
        lines,
        customers=lines.customers[known],
        products=codes[known],
        days=lines.days[known],
        packs=lines.packs[known],
        prices=lines.prices[known],
        product_ids=groups.product_ids,
    )

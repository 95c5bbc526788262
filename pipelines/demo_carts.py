"""Carts that the demo prepares for made customers, who say of them what real households did, for the console to show.

Each is the double of a household four weeks before the end of the data: it is offered the household's cart, and takes
of it what the household went on to buy. The models were trained on those weeks too, so this shows how the console
looks, and not how good the carts are: `docs/restock.md` has that.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from features.catalog import Catalog
from features.database import open_database
from features.decisions import RESTOCK_CART
from features.events import RESTOCK_FEEDBACK, Body, Event, Line
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, moment, to_record
from features.privacy.personal import identities_to_learn_from
from features.purchases import last_day
from features.simulated import PREFIX
from models.registry import Registry
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from pipelines.console import Tick
from pipelines.score import champion
from pipelines.settings import Settings
from serving.bundle import Shelf
from serving.restock import choice
from serving.restock.customer import customer_behind
from serving.restock.history import OrderHistories
from serving.restock.prepared import prepared
from serving.restock.taught import taught
from serving.restock.wording import restock_wording
from serving.schemas import Subject
from training.replenishment.lines import lines_of

RUN = f"{PREFIX}double-of-"
CARTS, ITEMS = 150, 12
_BEFORE = timedelta(days=28)
_GOES_ON = 7
"""So many days from the next day of shopping on, what the household buys counts as taken."""


def offered(settings: Settings) -> bool:
    """Whether an earlier run has offered them: all were logged in one step. Carts of others may stand before them."""
    engine, after = open_database(settings.database_url), 0
    try:
        while carts := Log(engine, DECISIONS).read(after, types=(RESTOCK_CART,)):
            if any((one.user_id or "").startswith(RUN) for one in carts):
                return True
            after = carts[-1].position
        return False
    finally:
        engine.dispose()


def offer_carts(
    settings: Settings, registry: Registry, end: datetime, now: datetime, tick: Tick, carts: int = CARTS
) -> int:
    """Prepare the carts of so many households drawn at random for their doubles, for the logs to receive `now`; how
    many were answered."""
    engine, at = open_database(settings.database_url), end - _BEFORE
    published, events, identities = champion(registry), Log(engine, EVENTS), Identities(engine)
    groups, histories = published.model.groups, OrderHistories(events)
    shelf, words = Shelf().following(Catalog(engine).changed_since(0)), restock_wording("en")
    made: list[Record] = []
    said: list[Event] = []
    try:
        for person in (identities.person(id_, None) for id_ in _households(settings, engine, at, carts)):
            customer = customer_behind(histories, person, at)
            forecasts = published.model.forecast(customer.lines, last_day(at))
            found = choice.chosen(forecasts, groups, shelf, taught((), forecasts, groups), ITEMS)
            subject = Subject(user_id=f"{RUN}{person.customer_id}")
            cart = prepared(found.lines, subject, None, shelf, published, words, at, "carts").record
            record = replace(cart, received_at=microseconds(now))
            bought = _bought(customer_behind(histories, person, end).lines, groups, last_day(at))
            made.append(record)
            said += _words(record, found.lines, bought, now)
            tick(len(made), carts)
        Log(engine, DECISIONS).append(made)
        events.append([to_record(event) for event in said])
    finally:
        engine.dispose()
    return len({event.user_id for event in said})


def _households(settings: Settings, engine: Engine, at: datetime, count: int) -> list[str]:
    """So many of those who had bought something before `at`, drawn at random and always the same."""
    _, ids = lines_of(settings.history, identities_to_learn_from(engine), at, work=settings.work)
    chosen = np.random.default_rng(0).choice(len(ids), min(count, len(ids)), replace=False)
    return [str(ids[place]) for place in np.sort(chosen)]


def _bought(lines: Lines, groups: Groups, day: int) -> Mapping[str, int] | None:
    """Packs of each group on the next day of shopping after `day` and the days behind it; None where there is none."""
    purchases = lines.by_group(groups)
    later = purchases.trip_days[purchases.trip_days > day]
    if not len(later):
        return None
    taken = (purchases.days > day) & (purchases.days <= later[0] + _GOES_ON)
    units, packs = purchases.unit_ids[purchases.units[taken]], purchases.packs[taken]
    found: Counter[str] = Counter()
    for unit, count in zip(units.tolist(), packs.tolist(), strict=True):
        found[str(unit)] += round(count)
    return found


def _words(
    cart: Record, lines: Sequence[choice.Line], bought: Mapping[str, int] | None, now: datetime
) -> Iterator[Event]:
    """What is said of a cart a day later: an event for each thing that is said. Who did not shop again says nothing."""
    if bought is None:
        return
    told: dict[str, list[Line]] = {"ordered": [], "edited": [], "rejected": []}
    for line in lines:
        packs = bought.get(line.unit_id, 0)
        word = "rejected" if not packs else "ordered" if packs == line.quantity else "edited"
        told[word].append(Line(product_id=line.product_id, quantity=float(packs or line.quantity)))
    when = moment(cart.occurred_at) + timedelta(days=1)
    for word, some in told.items():
        if some:
            body = Body(cart_id=cart.key, feedback=word, lines=tuple(some))
            key = f"{cart.key}:demo:{word}"
            yield Event(
                message_id=key,
                type=RESTOCK_FEEDBACK,
                occurred_at=when,
                received_at=now,
                user_id=cart.user_id,
                body=body,
            )

"""A made shop's news as engines send it: twice, late, out of order, or never. What was really earned is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import numpy as np

from features.database import open_database
from features.decisions import DECISION, Decided, Option, Terms
from features.events import Body, Event, Line
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, to_record
from models.policies.base import choose
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from training.policy.dataset import Logs
from training.simulator.organic import WINDOW_HOURS
from training.simulator.world import World

POINT = "cart_recovery"
_START = datetime(2026, 6, 1, tzinfo=UTC)
_CURRENCY = "EUR"


@dataclass(frozen=True)
class Reported:
    """Logs of a shop, and what each decision that teaches something really earned, by its id.

    `over` is a moment when every window has closed and everything has arrived.
    """

    logs: Logs
    truth: Mapping[str, float]
    over: datetime


@dataclass(frozen=True)
class Disorder:
    """Shares of events told twice, of orders told again under another message id, and of sendings never told of."""

    doubled: float = 0.3
    retold: float = 0.2
    missing: float = 0.1


def reported(world: World, rng: np.random.Generator, n: int, disorder: Disorder | None = None) -> Reported:
    """Decide about `n` carts by chance, and tell the logs in disorder."""
    how, engine = disorder or Disorder(), open_database("sqlite://")
    logs = Logs(Log(engine, EVENTS), Log(engine, DECISIONS), Identities(engine))
    known, eligible = world.contexts(rng, n)
    rows = choose(1.0 / np.repeat(eligible.counts, eligible.counts), eligible, rng.random(n)).rows
    fate = world.draw(rng, known, eligible, rows)
    margins, values = known.columns(["margin", "cart_value"]).T
    sizes = rng.lognormal(0.0, 0.3, n)
    silent = eligible.silent
    records, events, truth = [], [], {}
    for i, row in enumerate(rows):
        name, customer = f"dec_{i}", f"customer_{i}"
        at = _START + timedelta(minutes=7 * i)
        terms = Terms(
            margin=round(float(margins[i]), 3),
            window_hours=WINDOW_HOURS,
            unsubscribe_cost=world.departures.worth,
            complaint_cost=0.0,
            currency=_CURRENCY,
        )
        records.append(_record(name, customer, at, known, eligible, i, int(row), terms))
        sent = not silent[row]
        told = sent and rng.random() >= how.missing
        worth = 0.0
        if told:
            when = at + timedelta(hours=float(eligible.numbers[row, 0]))
            events.append(_event("message_sent", f"{name}:sent", customer, when, _message(eligible, row, name)))
            worth -= float(eligible.numbers[row, 2])
            if fate.unsubscribed[i]:
                events.append(_event("unsubscribed", f"{name}:left", customer, when, _message(eligible, row, name)))
                worth -= world.departures.worth
        if fate.bought[i] and (told or not sent):
            value = round(float(values[i] * sizes[i]), 2)
            discount = round(float(eligible.numbers[row, 3]), 2)
            when = at + timedelta(days=float(fate.bought_after[i]))
            body = Body(
                order_id=f"order_{i}",
                currency=_CURRENCY,
                lines=(Line(product_id="p", quantity=1, price=Decimal(str(value))),),
                discount=Decimal(str(discount)),
            )
            keys = [f"{name}:order"] + ([f"{name}:again"] if rng.random() < how.retold else [])
            events += [
                _event("order_completed", key, customer, when + timedelta(hours=number), body)
                for number, key in enumerate(keys)
            ]
            worth += terms.margin * value - discount
        if told or not sent:
            truth[name] = worth
    logs.decisions.append(records)
    events += [event for event in events if rng.random() < how.doubled]
    order = rng.permutation(len(events))
    arrived = [events[place] for place in order]
    for start in range(0, len(arrived), 100):
        logs.events.append([to_record(event) for event in arrived[start : start + 100]])
        logs.identities.observe(arrived[start : start + 100])
    over = _START + timedelta(minutes=7 * n, hours=2 * WINDOW_HOURS + 72)
    return Reported(logs, truth, over)


def _record(
    name: str, customer: str, at: datetime, known: Contexts, eligible: Eligible, i: int, row: int, terms: Terms
) -> Record:
    first, last = eligible.starts[i], eligible.starts[i + 1]
    options = tuple(_option(eligible, each, at, 1.0 / float(last - first)) for each in range(first, last))
    context = dict(zip(known.names, known.values[i].tolist(), strict=True))
    decided = Decided(
        decision_point=POINT,
        customer_id=customer,
        trigger_id=f"cart_{i}",
        trigger_type="cart_abandoned",
        trigger_at=at,
        step=1,
        arm="random",
        mode="online",
        policy="uniform",
        policy_version="1",
        context={name: value for name, value in context.items() if not np.isnan(value)},
        options=options,
        chosen=int(row - first),
        propensity=options[row - first].probability,
        terms=terms,
        valid_until=at + timedelta(hours=WINDOW_HOURS),
    )
    when = microseconds(at)
    return Record(name, DECISION, when, when, customer, None, msgspec.json.encode(decided).decode())


def _option(eligible: Eligible, row: int, at: datetime, probability: float) -> Option:
    if (eligible.codes[row] < 0).all():
        return Option(probability)
    codes, known = eligible.codes[row], eligible.labels
    labels = [known[i][codes[i]] if codes[i] >= 0 else "" for i in range(len(FACTORS))]
    numbers = eligible.numbers[row].tolist()
    sent_at = at + timedelta(hours=numbers[0])
    return msgspec.convert([probability, labels[0], sent_at, *labels[1:], *numbers], Option)


def _message(eligible: Eligible, row: int, decision_id: str) -> Body:
    return Body(channel=eligible.labels[0][eligible.codes[row, 0]], decision_id=decision_id)


def _event(type_: str, key: str, customer: str, at: datetime, body: Body) -> Event:
    late = at + timedelta(hours=3)
    return Event(message_id=key, type=type_, occurred_at=at, received_at=late, user_id=customer, body=body)

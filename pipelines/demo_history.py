"""Some weeks of decisions for the demo, so that the console has something to show: a made shop beside the real data.

Everything here is simulated and says so by its customers' ids. It comes after all training, in the last weeks of the
real data, once: what stands in the logs already is not told again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np

from features.simulated import PREFIX
from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.registry import Registry
from pipelines.console import Tick
from pipelines.demo_decision import POLICY
from pipelines.learn import learned
from pipelines.policies import decider, logs
from pipelines.settings import Settings
from pipelines.simulated_shop import POINT, Shop
from training.policy.dataset import Logs
from training.policy.journal import Journal, gathered
from training.simulator.customers import left_at
from training.simulator.reactions import Engine
from training.simulator.world import Drawn, World

RUN = f"{PREFIX}demo"
CURRENCY = "USD"
WEEKS, CARTS = 6, 300
"""So many carts in each of so many weeks."""

_PAST = timedelta(days=90)
_PUSH = 0.5
"""The share of customers who agreed to push messages."""


def lived(settings: Settings) -> bool:
    """Whether the weeks were told to the end by an earlier run."""
    found = logs(settings)
    try:
        last = f"{RUN}-{WEEKS * CARTS - 1}"
        return bool(found.decisions.of_person([last], [], limit=1))
    finally:
        found.events.engine.dispose()


def live_through(client: httpx.Client, settings: Settings, registry: Registry, end: datetime, tick: Tick) -> int:
    """The weeks before `end` with the service behind `client`, which shares the stores of `settings`; how many
    decisions were made. After each week the policy learns."""
    world, found, shop = World(0), logs(settings, made=True), Shop(client, RUN, CURRENCY)
    policy = decider(settings, POLICY)
    rng, number = np.random.default_rng(20_171_231), 0
    start = end - timedelta(days=end.weekday(), weeks=WEEKS)
    try:
        for week in range(WEEKS):
            known = world.contexts(rng, CARTS)[0]
            known = known.take(np.argsort(left_at(known), kind="stable"))
            for day in np.unique(left_at(known) // 24):
                here = known.take(np.flatnonzero(left_at(known) // 24 == day))
                at = _moments(start + timedelta(weeks=week), left_at(here))
                _day(world, shop, found, rng, number, here, at, end)
                number += len(at)
                tick(number, WEEKS * CARTS)
            learned(policy, found, registry, start + timedelta(weeks=week + 1))
    finally:
        found.events.engine.dispose()
    return number


def _moments(monday: datetime, hours: Floats) -> list[datetime]:
    """When each cart was left: those of one hour of the week follow each other."""
    places = [int((hours[:row] == hours[row]).sum()) for row in range(len(hours))]
    return [
        monday + timedelta(hours=float(hour), minutes=60 * (place + 1) / (int((hours == hour).sum()) + 1))
        for hour, place in zip(hours, places, strict=True)
    ]


def _day(
    world: World,
    shop: Shop,
    found: Logs,
    rng: np.random.Generator,
    number: int,
    known: Contexts,
    at: Sequence[datetime],
    end: datetime,
) -> None:
    """The carts of one day: who leaves them is told at once, and decided about hour by hour."""
    shop.track(_before(shop, rng, number, known, at))
    shop.leave(number, known, at)
    position = found.decisions.last_position()
    for hour in np.unique(left_at(known)):
        rows = np.flatnonzero(left_at(known) == hour).tolist()
        shop.decide(number + rows[0], known.take(np.array(rows)), [at[row] for row in rows])
    _, decided = gathered(found.decisions, [POINT], found.identities.table(), position)
    if len(decided):
        about = known.take(np.array([shop.number(one.trigger_id) for one in decided.decided]) - number)
        fate = world.draw(rng, about, decided.eligible, decided.chosen)
        news = _news(shop, rng, about, decided, fate)
        shop.track(message for message in news if datetime.fromisoformat(message["timestamp"]) < end)


def _before(
    shop: Shop, rng: np.random.Generator, number: int, known: Contexts, at: Sequence[datetime]
) -> Iterator[dict[str, Any]]:
    """What a shop knows of customers before they leave a cart: consents, and the orders of the last 90 days."""
    values, frequencies = known.columns(["cart_value", "frequency"]).T
    for row, left in enumerate(at):
        name = shop.name(number + row)
        if rng.random() < _PUSH:
            when = left - timedelta(days=1)
            told = {"channel": "push", "consent": "granted"}
            yield _event(name, f"{name}:consent", "Consent Changed", when, told)
        for order in range(int(rng.binomial(int(frequencies[row]), 0.5))):
            paid = float(values[row] * rng.lognormal(0.0, 0.5))
            told_ = _bought(f"order-{name}-{order}", paid)
            yield _event(name, f"{name}:before-{order}", "Order Completed", left - _PAST * rng.uniform(0.02, 1), told_)


def _news(
    shop: Shop, rng: np.random.Generator, known: Contexts, decided: Journal, fate: Drawn
) -> Iterator[dict[str, Any]]:
    """What came of the decisions. Who has bought before a message is due is not written to."""
    hours = np.array([0 if one.send_at is None else one.send_at.hour for one in decided.options])
    engine = Engine().reactions(rng, known, hours, fate.bought)
    for row, (record, option) in enumerate(zip(decided.decided, decided.options, strict=True)):
        bought_at = record.trigger_at + timedelta(days=min(float(fate.bought_after[row]), 1_000.0))
        id_, name = str(decided.decision_ids[row]), record.customer_id
        if fate.bought[row]:
            yield shop.order(record.trigger_id, name, record.trigger_at, decided, row, fate)
        if option.send_at is None or bought_at < option.send_at:
            continue
        opened_at = option.send_at + timedelta(hours=float(engine.after_hours[row]))
        told: dict[str, tuple[datetime, bool | Mask]] = {
            "Message Sent": (option.send_at, True),
            "Message Delivered": (option.send_at + timedelta(minutes=1), engine.delivered[row]),
            "Message Opened": (opened_at, engine.opened[row] and option.channel == "email"),
            "Message Clicked": (opened_at + timedelta(minutes=2), engine.clicked[row]),
            "Unsubscribed": (opened_at + timedelta(minutes=3), fate.unsubscribed[row]),
            "Message Converted": (bought_at + timedelta(minutes=5), engine.claimed[row]),
        }
        for event, (when, happened) in told.items():
            if happened:
                said: dict[str, Any] = {"channel": option.channel, "decision_id": id_}
                yield _event(name, f"{id_}:{event}", event, when, said)
        if engine.opened_by_machine[row] and option.channel == "email":
            said = {"channel": option.channel, "decision_id": id_, "machine_open": True}
            yield _event(name, f"{id_}:machine", "Message Opened", option.send_at + timedelta(minutes=1), said)


def _bought(order: str, paid: float) -> dict[str, Any]:
    product = {"product_id": "thing", "price": f"{paid:.2f}", "quantity": 1}
    return {"order_id": order, "currency": CURRENCY, "products": [product]}


def _event(name: str, key: str, event: str, at: datetime, properties: dict[str, Any]) -> dict[str, Any]:
    told = {"type": "track", "event": event, "userId": name, "messageId": key}
    return {**told, "timestamp": at.isoformat(), "properties": properties}

"""The end of the demo: carts are abandoned, decided about, checked, written about, bought, and learned from."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from rich.console import Console

from models.promotion import promote
from models.published import CHAMPION, Version
from models.registry import Registry
from pipelines.console import bar
from pipelines.learn import learn_once, words
from pipelines.settings import Settings
from pipelines.train_policy import train_policy

POLICY = "cart-policy"
POINT = "cart_recovery"

_BEFORE = timedelta(days=10)
"""So long before the end of the data the carts are abandoned: their windows have closed when it ends."""

_PATIENCE = 60.0
"""Seconds."""

_LOADING = "policy_unavailable"


def begin(settings: Settings, registry: Registry, console: Console) -> Version:
    """The first policy: it does as the shop's rule says, explores a little, and learns."""
    live = registry.alias(POLICY, CHAMPION)
    if live is not None:
        return live
    now = datetime.now(UTC)
    with bar(console, "Decisions: a policy from the rule"):
        train_policy(settings, registry, POLICY, None, fresh=True, as_of=now)
    return promote(registry, POLICY, None, "demo", "it does as the shop's rule says", now).live


def recover(
    client: httpx.Client, settings: Settings, registry: Registry, households: Sequence[str], end: datetime
) -> Iterator[str]:
    """Carts of some households, all the way; what happens to the first that is written to, in words."""
    cart = uuid.uuid4().hex
    left = end - _BEFORE
    yield (
        f"\nOn {left:%Y-%m-%d} {len(households)} households leave a cart behind. When, where, with what does one write "
        "to them, or not at all?"
    )
    decided = {}
    for household in households:
        _track(
            client, household, "Product Added", left, product_id="951590", price="4.99", cart_id=f"{cart}-{household}"
        )
        decided[household] = _decided(client, household, f"{cart}-{household}", left + timedelta(hours=1))
    for household, told in decided.items():
        yield f"  {household:<6} {_sentence(told)}"
    buyer = None
    for household, told in decided.items():
        if not told["action"]["send"]:
            continue
        may = _check(client, told)
        if not may["send"]:
            yield f"Asked again when the message to {household} is due: no, {may['reason']}. So it is not sent."
            continue
        _activate(client, told)
        if buyer is None:
            buyer = household
            yield from _buys(client, household, f"{cart}-{household}", told)
    run = learn_once(settings, registry, [POLICY], end)[POLICY]
    yield f"Ten days later their windows have closed. {words(POLICY, run)}."


def _check(client: httpx.Client, told: Mapping[str, Any]) -> Any:
    """What the engine asks right before it sends."""
    asked = {"decision_id": told["decision_id"], "as_of": told["action"]["send_at"]}
    return _answer(client, "/v1/decisions/check", asked)


def _buys(client: httpx.Client, household: str, cart: str, told: Mapping[str, Any]) -> Iterator[str]:
    """What was left behind is bought, and then there is no second message."""
    bought_at = datetime.fromisoformat(told["action"]["send_at"]) + timedelta(hours=5)
    order = uuid.uuid4().hex
    _track(client, household, "Order Completed", bought_at, product_id="951590", price="4.99", order_id=order)
    second = _decided(client, household, cart, bought_at + timedelta(hours=1), step=2)
    yield (
        f"Asked again when the message to {household} is due: yes. It is sent, and the household buys five hours "
        f"later. A second message? {_sentence(second)}."
    )


def _activate(client: httpx.Client, told: Mapping[str, Any]) -> None:
    action = told["action"]
    sent = {"decision_id": told["decision_id"], "sent_at": action["send_at"], "channel": action["channel"]}
    client.post("/v1/activations", json=sent).raise_for_status()


def _track(client: httpx.Client, household: str, event: str, at: datetime, **told: str) -> None:
    """One event about one product."""
    product = {"product_id": told.pop("product_id"), "price": told.pop("price"), "quantity": 1}
    properties: dict[str, Any] = {**told, "currency": "USD"}
    properties |= {"products": [product]} if event == "Order Completed" else product
    body = {"userId": household, "event": event, "timestamp": at.isoformat(), "messageId": uuid.uuid4().hex}
    client.post("/v1/track", json={**body, "properties": properties}).raise_for_status()


def _decided(client: httpx.Client, household: str, cart: str, at: datetime, step: int = 1) -> Any:
    """A decision by the policy: a service that has just started loads it within seconds, and is asked to preview."""
    asked = {
        "decision_point": POINT,
        "subject": {"user_id": household},
        "trigger": {"id": cart, "at": at.isoformat()},
        "step": step,
        "as_of": at.isoformat(),
    }
    deadline = time.monotonic() + _PATIENCE
    while _answer(client, "/v1/decisions", asked | {"preview": True})["degraded_reason"] == _LOADING:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the service did not load {POLICY} within {_PATIENCE:.0f} seconds; its log says why")
        time.sleep(0.5)
    return _answer(client, "/v1/decisions", asked)


def _answer(client: httpx.Client, path: str, body: Mapping[str, Any]) -> Any:
    return client.post(path, json=body).raise_for_status().json()


def _sentence(told: Mapping[str, Any]) -> str:
    action, policy = told["action"], told["policy"]
    who = f"{told['arm']}, {policy['name']} {policy['version'] or ''}".rstrip()
    if not action["send"]:
        return f"silence ({action['reason'] or 'chosen'}; {who}; probability {told['propensity']:.3f})"
    when = datetime.fromisoformat(action["send_at"])
    what, later = action["argument"] or "no argument", action["delay_seconds"] / 3600
    odds = f"probability {told['propensity']:.3f}"
    return f"{action['channel']}, {what}, {when:%a %H:%M}, {later:.0f} h after ({who}; {odds})"

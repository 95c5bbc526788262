"""A made shop as the service sees it: carts, questions and news over the HTTP API, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import numpy as np

from models.policies.contexts import Contexts
from training.policy.journal import Journal
from training.simulator.world import Drawn

POINT = "cart_recovery"
_NUMBERS = ("margin", "frequency", "recency_days", "opens_share", "device_mobile", "touches_30d", "last_touch_days")
"""What the shop knows and tells as its own figures."""

_AT_ONCE = 500


class Shop:
    """The calls that a shop and its campaign engine make; customers are numbered within a `run`."""

    def __init__(self, client: httpx.Client, run: str, currency: str = "EUR") -> None:
        self._client, self._run, self._currency = client, run, currency

    def name(self, number: int) -> str:
        """The customer's id."""
        return f"{self._run}-{number}"

    def number(self, cart: str) -> int:
        """The number of the customer whose cart this is."""
        return int(cart.rpartition("-")[2])

    def leave(self, first: int, known: Contexts, at: Sequence[datetime]) -> None:
        """Each of `known` puts things into a cart, the customers numbered from `first` on."""
        values, items = known.columns(["cart_value", "items"]).T
        self.track(
            {
                "type": "track",
                "event": "Product Added",
                "userId": self.name(first + i),
                "messageId": f"{self.name(first + i)}:added",
                "timestamp": when.isoformat(),
                "properties": {
                    "cart_id": f"cart-{self.name(first + i)}",
                    "product_id": "thing",
                    "price": f"{values[i] / items[i]:.2f}",
                    "quantity": int(items[i]),
                    "currency": self._currency,
                },
            }
            for i, when in enumerate(at)
        )

    def decide(self, first: int, known: Contexts, at: Sequence[datetime]) -> None:
        """Ask what to do about each, as of the latest of `at`."""
        values, steps = known.columns(["cart_value", "checkout_step"]).T
        numbers = known.columns(_NUMBERS)
        subjects = [
            {
                "user_id": self.name(first + i),
                "trigger": {"id": f"cart-{self.name(first + i)}", "at": when.isoformat()},
                "context": {
                    "cart_value": f"{values[i]:.2f}",
                    "currency": self._currency,
                    "checkout_step": int(steps[i]),
                    "timezone": "UTC",
                    "numbers": {
                        name: float(value)
                        for name, value in zip(_NUMBERS, numbers[i], strict=True)
                        if not np.isnan(value)
                    },
                },
            }
            for i, when in enumerate(at)
        ]
        body = {"decision_point": POINT, "subjects": subjects, "as_of": max(at).isoformat()}
        self._post("/v1/decisions/batch", body)

    def tell(self, decided: Journal, fate: Drawn) -> None:
        """What came of decisions: activations and departures by the engine, orders by the shop."""
        events: list[dict[str, Any]] = []
        for i, record in enumerate(decided.decided):
            option, id_ = decided.options[i], str(decided.decision_ids[i])
            if option.send_at is not None:
                when = option.send_at.isoformat()
                self._post("/v1/activations", {"decision_id": id_, "sent_at": when, "channel": option.channel})
                if fate.unsubscribed[i]:
                    self._post("/v1/outcomes", {"decision_id": id_, "type": "unsubscribed", "occurred_at": when})
            if fate.bought[i]:
                events.append(self.order(record.trigger_id, record.customer_id, record.trigger_at, decided, i, fate))
        self.track(events)

    def order(self, cart: str, customer: str, left: datetime, decided: Journal, i: int, fate: Drawn) -> dict[str, Any]:
        """The order that decision `i` of `decided` ended in."""
        option, terms = decided.options[i], decided.terms[i]
        spent = option.cost + (terms.unsubscribe_cost if fate.unsubscribed[i] else 0.0)
        value = max((float(fate.rewards[i]) + spent + option.discount) / terms.margin, 0.01)
        return {
            "type": "track",
            "event": "Order Completed",
            "userId": customer,
            "messageId": f"{cart}:order",
            "timestamp": (left + timedelta(days=float(fate.bought_after[i]))).isoformat(),
            "properties": {
                "order_id": f"order-{cart}",
                "currency": self._currency,
                "discount": f"{option.discount:.2f}",
                "products": [{"product_id": "thing", "price": f"{value:.2f}", "quantity": 1}],
            },
        }

    def track(self, messages: Iterable[dict[str, Any]]) -> None:
        """Events, as many at once as the service takes."""
        waiting = iter(messages)
        while batch := list(islice(waiting, _AT_ONCE)):
            self._post("/v1/batch", {"batch": batch})

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._client.post(path, json=body).raise_for_status().json()

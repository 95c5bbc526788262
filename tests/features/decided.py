"""Records of decisions, for tests: who was decided about when, and with what."""

from datetime import timedelta
from typing import Any

import msgspec

from features.decisions import DECISION, Decided, Option, Terms
from features.log import Record, microseconds
from tests.features.person import at

WINDOW_HOURS = 72.0
WINDOW = timedelta(hours=WINDOW_HOURS)


def decision(
    id_: str,
    minutes: float,
    channel: str | None = "email",
    user: str | None = "u1",
    visitor: str | None = None,
    currency: str | None = "EUR",
    window_hours: float = WINDOW_HOURS,
    **said: Any,
) -> Record:
    """A decision at so many minutes after the start of `tests.features.person`; no channel is silence."""
    options = Option(0.4), Option(0.6, channel or "email", at(minutes + 60), "1h")
    decided = Decided(
        decision_point="cart_recovery",
        customer_id=user or f"anonymous:{visitor}",
        trigger_id=said.pop("trigger_id", "cart_1"),
        trigger_type="cart_abandoned",
        trigger_at=at(minutes),
        step=said.pop("step", 1),
        arm="policy",
        mode="online",
        policy="cart-policy",
        policy_version="1",
        context={"cart_value": 10.0},
        options=options,
        chosen=0 if channel is None else 1,
        propensity=0.4 if channel is None else 0.6,
        terms=Terms(
            margin=0.3, window_hours=window_hours, unsubscribe_cost=5.0, complaint_cost=10.0, currency=currency
        ),
        valid_until=at(minutes) + WINDOW,
        **said,
    )
    moment = microseconds(at(minutes))
    payload = msgspec.json.encode(decided).decode()
    return Record(id_, DECISION, moment, moment, user, visitor, payload)

"""Logs in which everything that happened is known: decisions about carts, and the events that followed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from features.database import open_database
from features.decisions import DECISION, Decided, Option, Terms
from features.events import Body, Event, Line
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, to_record
from training.policy.dataset import History, Logs, history

POINT = "cart_recovery"
MODEL = "cart-policy"
START = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = 72.0
TERMS = Terms(margin=0.5, window_hours=WINDOW, unsubscribe_cost=4.0, complaint_cost=9.0, currency="EUR")
SILENCE = Option(probability=0.25)
DELAY = 24.0
MAIL = Option(
    probability=0.75,
    channel="email",
    send_at=START,
    delay="24h",
    hour="09-12",
    weekday="tue",
    argument="reminder",
    delay_hours=DELAY,
    cost=0.1,
)


def hours(count: float) -> timedelta:
    """So many."""
    return timedelta(hours=count)


def logs_at(url: str = "sqlite://") -> Logs:
    """The logs of a database."""
    engine = open_database(url)
    return Logs(Log(engine, EVENTS), Log(engine, DECISIONS), Identities(engine))


@dataclass
class Planted:
    """An empty shop; each call adds to one of its logs, which are written when somebody looks at them."""

    kept: Logs = field(default_factory=logs_at)
    count: int = 0
    records: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def logs(self) -> Logs:
        """With all that was told until now."""
        self.kept.decisions.append(self.records)
        self.kept.events.append([to_record(event) for event in self.events])
        self.kept.identities.observe(self.events)
        self.records, self.events = [], []
        return self.kept

    def decided(
        self,
        key: str,
        customer: str,
        at: datetime = START,
        send: bool = True,
        options: Sequence[Option] | None = None,
        trigger: str | None = None,
        context: dict[str, float] | None = None,
        anonymous: bool = False,
        **more: Any,
    ) -> str:
        """A decision to send an e-mail a day later, or to say nothing; returns its id."""
        offered = options or (SILENCE, msgspec.structs.replace(MAIL, send_at=at + hours(DELAY)))
        chosen = int(send)
        given: dict[str, Any] = {
            "decision_point": POINT,
            "customer_id": customer,
            "trigger_id": trigger or f"cart-of-{customer}",
            "trigger_type": "cart_abandoned",
            "trigger_at": at,
            "step": 1,
            "arm": "policy",
            "mode": "online",
            "policy": MODEL,
            "policy_version": "1",
            "context": {"cart_value": 40.0} if context is None else context,
            "options": tuple(offered),
            "chosen": chosen,
            "propensity": offered[chosen].probability,
            "terms": TERMS,
            "valid_until": at + hours(WINDOW),
        }
        payload = msgspec.json.encode(Decided(**(given | more))).decode()
        when = microseconds(at)
        user, visitor = (None, customer) if anonymous else (customer, None)
        self.records.append(Record(key, DECISION, when, when, user, visitor, payload))
        return key

    def happened(self, type_: str, customer: str | None, at: datetime, key: str | None = None, **body: Any) -> None:
        """An event; a key that is given twice is the same event."""
        self.count += 1
        anonymous = body.pop("anonymous_id", None)
        event = Event(
            message_id=key or f"event-{self.count}",
            type=type_,
            occurred_at=at,
            received_at=at,
            user_id=customer,
            anonymous_id=anonymous,
            body=Body(**body),
        )
        self.events.append(event)

    def sent(self, decision: str, customer: str, at: datetime, channel: str = "email") -> None:
        """The engine reports that the message went out."""
        self.happened("message_sent", customer, at, f"{decision}:sent", channel=channel, decision_id=decision)

    def ordered(self, customer: str, at: datetime, value: str, discount: str | None = None, key: str = "") -> None:
        """An order of one product."""
        self.happened(
            "order_completed",
            customer,
            at,
            key or None,
            order_id=key or f"order-{customer}-{at:%d%H%M}",
            currency="EUR",
            lines=(Line(product_id="p", quantity=1, price=Decimal(value)),),
            discount=Decimal(discount) if discount else None,
        )

    def history(self, as_of: datetime, after: int = 0) -> History:
        """The join as of a moment."""
        return history(self.logs, [POINT], as_of, after)

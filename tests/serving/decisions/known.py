"""Facts about a customer in Berlin on a Monday noon who left a cart behind, to be changed one by one."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from features.contact import Contact, Said
from models.policies.rule import Message
from serving.decisions.bank import Argument, Bank, Caps, Channel, DecisionPoint, Incentive
from serving.decisions.facts import Facts
from serving.decisions.quiet_hours import LocalHours
from serving.decisions.zones import Place, zone_named

NOON = datetime(2026, 11, 16, 11, tzinfo=UTC)
"""12:00 in Berlin."""

BERLIN = Place(zone_named("Europe/Berlin"), known=True)
EMAIL = Channel("email", 0.001, caps=Caps(1, 3, 6), min_gap_hours=20.0)
SMS = Channel("sms", 0.05, legal=LocalHours.of("08:00-20:00"), consent="required")
POINT = DecisionPoint(
    "cart_recovery",
    "cart-policy",
    ("cart_abandoned",),
    delays=("1h", "3h", "6h", "12h", "24h", "48h", "72h"),
    arguments=("reminder", "low_stock"),
    incentives=("tenth",),
    channels=("email", "sms"),
    rule=(Message("email", "24h", "reminder"), Message("email", "72h", "reminder", "tenth")),
    caps=Caps(2, 5, 12),
    min_gap_hours=12.0,
)
TENTH = Incentive("tenth", share=0.1, budget=100.0, cooldown_days=30.0, max_share=0.5)
BANK = Bank(
    channels={"email": EMAIL, "sms": SMS, "on_site": Channel("on_site", quiet=None)},
    arguments={"reminder": Argument("reminder"), "low_stock": Argument("low_stock", ("low_stock",))},
    incentives={"tenth": TENTH},
    points={"cart_recovery": POINT},
)
GRANTED = Contact(consents={("sms", "marketing"): Said("granted", NOON)})
FACTS = Facts(
    bank=BANK,
    point=POINT,
    now=NOON,
    trigger_at=NOON,
    place=BERLIN,
    contact=GRANTED,
    value=80.0,
    true=frozenset({"low_stock"}),
)


def with_point(**changes: Any) -> Facts:
    """The same facts at a point that was changed."""
    return replace(FACTS, point=replace(POINT, **changes))

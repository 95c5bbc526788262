"""The action bank of a shop that configured nothing: careful, and giving nothing away. `bank_file.py` changes it."""

from models.policies.rule import Message
from serving.decisions.bank import Argument, Bank, Caps, Channel, DecisionPoint
from serving.decisions.quiet_hours import LocalHours

_OUTBOUND = ("email", "push", "web_push", "messenger", "sms")
_SERIES = (Message("email", "24h", "reminder"), Message("email", "72h", "reminder"))

DEFAULT = Bank(
    channels={
        channel.name: channel
        for channel in (
            Channel("email", 0.001, caps=Caps(1, 4, 10), min_gap_hours=20, unsubscribe_cost=2, complaint_cost=5),
            Channel(
                "sms",
                0.05,
                legal=LocalHours.of("08:00-21:00"),
                caps=Caps(1, 1, 3),
                min_gap_hours=48,
                consent="required",
                unsubscribe_cost=4,
                complaint_cost=10,
            ),
            Channel("web_push", caps=Caps(1, 3, 8), min_gap_hours=12, consent="required", unsubscribe_cost=1),
            Channel("push", caps=Caps(1, 4, 10), min_gap_hours=12, consent="required", unsubscribe_cost=2),
            Channel("messenger", 0.01, caps=Caps(1, 2, 5), min_gap_hours=24, consent="required", unsubscribe_cost=3),
            Channel("on_site", quiet=None, caps=Caps(2, 7, 20)),
        )
    },
    arguments={
        argument.name: argument
        for argument in (
            Argument("reminder"),
            Argument("benefits"),
            Argument("low_stock", ("low_stock",)),
            Argument("price_drop", ("price_drop",)),
            Argument("free_returns", ("free_returns",)),
            Argument("thanks"),
        )
    },
    incentives={},
    points={
        point.name: point
        for point in (
            DecisionPoint(
                "cart_recovery",
                "cart-policy",
                ("cart_abandoned",),
                arguments=("reminder", "benefits", "low_stock", "price_drop", "free_returns"),
                channels=_OUTBOUND,
                rule=_SERIES,
            ),
            DecisionPoint(
                "checkout_recovery",
                "checkout_recovery-policy",
                ("checkout_abandoned",),
                idle_minutes=30,
                arguments=("reminder", "benefits", "low_stock", "free_returns"),
                channels=_OUTBOUND,
                rule=_SERIES,
            ),
            DecisionPoint(
                "browse",
                "browse-policy",
                ("browse_abandoned",),
                ttl_hours=96,
                max_messages=1,
                delays=("6h", "12h", "24h", "48h", "72h"),
                arguments=("reminder", "low_stock", "price_drop"),
                channels=(*_OUTBOUND, "on_site"),
                rule=(Message("email", "24h", "reminder"),),
            ),
            DecisionPoint(
                "wishlist",
                "wishlist-policy",
                ("wishlist_abandoned",),
                max_messages=1,
                delays=("24h", "48h", "72h"),
                arguments=("reminder", "low_stock", "price_drop"),
                channels=(*_OUTBOUND, "on_site"),
                rule=(Message("email", "72h", "reminder"),),
            ),
            DecisionPoint(
                "restock",
                "restock-policy",
                ("restock_due",),
                max_messages=1,
                delays=("0h", "24h", "48h", "72h"),
                arguments=("reminder", "low_stock", "price_drop"),
                channels=_OUTBOUND,
                rule=(Message("email", "0h", "reminder"),),
            ),
            DecisionPoint(
                "post_purchase",
                "post_purchase-policy",
                ("order_completed",),
                ttl_hours=336,
                window_hours=336,
                max_messages=1,
                delays=("24h", "72h", "168h"),
                arguments=("thanks", "benefits"),
                channels=_OUTBOUND,
                rule=(Message("email", "72h", "thanks"),),
            ),
            DecisionPoint(
                "campaign",
                "campaign-policy",
                ("campaign",),
                max_messages=1,
                delays=("0h", "24h", "48h", "72h", "96h", "120h", "144h"),
                channels=(*_OUTBOUND, "on_site"),
                rule=(Message("email", "0h"),),
            ),
        )
    },
)

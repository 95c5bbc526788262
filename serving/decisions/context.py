"""What a policy is told of a situation, as numbers with names: logged with the decision, and read from there to learn.

Everything is computed here and nowhere else. What cannot be told is left out; a policy gets NaN for it.
"""

import math
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from features.contact import Contact
from features.log import moment
from serving.decisions.question import Question
from serving.decisions.situation import ROW, Situation

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_LATELY = timedelta(days=90)

CONTEXTS: dict[str, str] = {
    "step": "which message of the series it is about, from 1 on",
    "messages_left": "how many may still be sent, this one included",
    "hours_since_trigger": "between the trigger and the decision",
    "hour_sin": "local hour of the decision, as an angle of the day",
    "hour_cos": "its cosine",
    "weekday_sin": "local day of the week and time of the decision, as an angle of the week",
    "weekday_cos": "its cosine",
    "zone_known": "1 when somebody said in which time zone the customer is",
    "cart_value": "of what was left behind, in the currency of the request or the cart",
    "cart_lines": "different products in it",
    "cart_units": "pieces in it",
    "cart_price": "mean price of a piece",
    "price_level": "that over the mean price of what the customer bought, as a logarithm",
    "checkout_step": "how far the checkout came; 0 when it had not begun",
    "is_new": "1 when no order of the customer is known",
    "recency_days": "since the last order",
    "frequency": "orders",
    "monetary": "spent on them",
    "orders_30d": "within 30 days before the features were built",
    "orders_365d": "the same within 365 days",
    "order_interval_mean_days": "between two orders",
    "basket_size_mean": "different products an order",
    "return_share": "of the bought lines, cancelled and refunded",
    "price_mean": "of a piece, over everything bought",
    "repurchase_probability_28d": "of any order within 28 days, as restocking foresees it",
    "is_overdue": "1 when longer without an order than is usual",
    "touches_1d": "messages of every campaign within a day",
    "touches_7d": "the same within a week",
    "touches_30d": "the same within 30 days",
    "hours_since_touch": "since the last message by any channel",
    "open_share": "of the messages of 90 days, opened by a person",
    "click_share": "of the messages of 90 days, clicked",
    "touches_1d_CHANNEL": "messages by one channel, and so on; left out for a channel without any in 90 days",
    "touches_7d_CHANNEL": "",
    "touches_30d_CHANNEL": "",
    "hours_since_touch_CHANNEL": "",
    "open_share_CHANNEL": "",
    "click_share_CHANNEL": "",
    "decisions_30d": "decisions about the customer within 30 days, at any point",
    "incentives_90d": "messages with an incentive that were decided within 90 days",
    "hours_since_seen": "since the person was last seen with the cart",
    "is_mobile": "1 on a phone, 0 on anything else",
    "shop_NAME": "what the request told in `context.numbers`",
}
"""Every name there may be; CHANNEL and NAME stand for those of the action bank and of the request."""


def context_of(question: Question, situation: Situation, channels: Collection[str]) -> dict[str, float]:
    """The context of one decision. Every value is finite.

    Messages by what is none of `channels` count only among all: what events name must not grow what is learned.
    """
    found = {
        **dict(_of_the_request(question, situation)),
        **dict(_of_the_cart(question, situation)),
        **dict(_of_the_customer(question, situation)),
        **dict(_of_messages(situation.contact, question.at, channels)),
        **{f"shop_{name}": value for name, value in question.context.numbers.items()},
    }
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _of_the_request(question: Question, situation: Situation) -> Iterator[tuple[str, float]]:
    yield "step", question.step
    yield "messages_left", max(question.max_messages - question.step + 1, 0)
    yield "hours_since_trigger", max((question.at - question.trigger_at) / _HOUR, 0.0)
    local = question.at.astimezone(situation.place.zone)
    of_day = (local.hour + local.minute / 60) / 24
    of_week = (local.weekday() + of_day) / 7
    for name, turn in (("hour", of_day), ("weekday", of_week)):
        yield f"{name}_sin", math.sin(2 * math.pi * turn)
        yield f"{name}_cos", math.cos(2 * math.pi * turn)
    yield "zone_known", situation.place.known
    device = question.context.device or situation.device
    if device is not None:
        yield "is_mobile", any(word in device.casefold() for word in ("mobile", "phone", "android", "ios"))


def _of_the_cart(question: Question, situation: Situation) -> Iterator[tuple[str, float]]:
    told, cart = question.context, situation.cart
    if told.items:
        count, units = len({line.item_id for line in told.items}), sum(line.quantity for line in told.items)
    elif cart is not None:
        count, units = len(cart.lines), sum(line.quantity for line in cart.lines)
    else:
        count, units = 0, 0.0
    if count:
        yield "cart_lines", count
        yield "cart_units", units
    value = cart_value(question, situation)
    if value is not None:
        yield "cart_value", value
        if units > 0:
            yield "cart_price", value / units
            usual = _number(situation, "price_mean")
            if usual is not None and usual > 0 and value > 0:
                yield "price_level", math.log(value / units / usual)
    step = told.checkout_step if told.checkout_step is not None else (cart.checkout_step if cart else None)
    if step is not None or cart is not None:
        yield "checkout_step", step or 0
    if cart is not None:
        yield "hours_since_seen", max((question.at - cart.seen_at) / _HOUR, 0.0)


def _of_the_customer(question: Question, situation: Situation) -> Iterator[tuple[str, float]]:
    for name in ROW:
        value = _number(situation, name)
        if value is not None:
            yield name, value
    row = situation.row
    if row is not None and (recency := _number(situation, "recency_days")) is not None:
        yield "recency_days", recency + max((question.at - row.event_timestamp) / _DAY, 0.0)
    if situation.orders:
        yield "recency_days", (question.at - moment(situation.orders[-1])) / _DAY
    if situation.degraded is None:
        yield "is_new", not situation.orders and not _number(situation, "frequency")
    past = situation.somebody.past
    yield "decisions_30d", sum(question.at - one.decided_at <= 30 * _DAY for one in past)
    late = (one for one in past if question.at - one.decided_at <= _LATELY)
    yield "incentives_90d", sum(bool(one.option.incentive) for one in late)


def _of_messages(contact: Contact, at: datetime, known: Collection[str]) -> Iterator[tuple[str, float]]:
    late = [touch for touch in contact.touches if at - touch.at <= _LATELY and touch.at <= at and not touch.machine]
    channels = sorted({touch.channel for touch in late if touch.channel in known})
    for channel in (None, *channels):
        suffix = "" if channel is None else f"_{channel}"
        kinds: dict[str, list[datetime]] = {"sent": [], "opened": [], "clicked": []}
        for touch in late:
            if touch.kind in kinds and channel in (None, touch.channel):
                kinds[touch.kind].append(touch.at)
        sent = kinds["sent"]
        for days in (1, 7, 30):
            yield f"touches_{days}d{suffix}", sum(at - when <= days * _DAY for when in sent)
        if sent:
            yield f"hours_since_touch{suffix}", (at - max(sent)) / _HOUR
            yield f"open_share{suffix}", min(len(kinds["opened"]) / len(sent), 1.0)
            yield f"click_share{suffix}", min(len(kinds["clicked"]) / len(sent), 1.0)


def cart_value(question: Question, situation: Situation) -> float | None:
    """What was left behind is worth, as the request says, else as the events do."""
    if question.context.cart_value is not None:
        return float(question.context.cart_value)
    cart = situation.cart
    return None if cart is None or cart.value is None else float(cart.value)


def currency(question: Question, situation: Situation) -> str | None:
    """The currency of that."""
    return question.context.currency or (situation.cart.currency if situation.cart else None)


def item_ids(question: Question, situation: Situation) -> tuple[str, ...]:
    """The products that were left behind, each once, as the request says, else as the events do."""
    if question.context.items:
        return tuple(dict.fromkeys(line.item_id for line in question.context.items))
    return situation.cart.item_ids if situation.cart else ()


def _number(situation: Situation, name: str) -> float | None:
    value: Any = None if situation.row is None else situation.row.values.get(name)
    return None if value is None else float(value)

"""When and where to write to who is due: decisions of the point `restock`, as any engine could ask for them."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import msgspec

from serving.decisions.answers import answer_of
from serving.decisions.bank import Bank
from serving.decisions.decide import OFF
from serving.decisions.decisions import decided
from serving.decisions.question import question_of
from serving.decisions.schemas import Allowed, DecisionContext, DecisionRequest, Trigger
from serving.resources import Resources
from serving.restock.schemas import Channel, DueCustomer, DueSend
from serving.schemas import CartLine

POINT = "restock"
AHEAD = timedelta(days=3)
"""How long before the day on which something is needed the customer may hear of it."""

_NAMES: dict[Channel, tuple[str, ...]] = {
    "email": ("email",),
    "push": ("push", "web_push"),
    "sms": ("sms",),
    "messenger": ("messenger",),
    "call": ("call",),
    "site": ("on_site",),
}


async def with_notices(
    resources: Resources,
    channels: Sequence[Channel],
    customers: Sequence[DueCustomer],
    needs: Sequence[tuple[str, int]],
) -> list[DueCustomer]:
    """The customers with a decision each where one can be made by now, committed before it is told.

    The trigger is what is needed and when it was last bought (`needs`, a group and a day each), so asking again gets
    the same decision, also when the day on which they are due has moved. Nothing is decided where the
    point is off, where none of the channels is in the action bank, and for whom it is too early.
    """
    bank, now = resources.bank.now, resources.clock()
    names = tuple(name for channel in channels for name in _NAMES[channel] if name in bank.channels)
    point = bank.points.get(POINT)
    if point is None or point.mode == OFF or not names:
        return list(customers)
    asked = [place for place, customer in enumerate(customers) if _since(customer) <= now]
    if not asked:
        return list(customers)
    questions = [
        question_of(_request(customers[place], needs[place], names, bank), bank, now, timedelta(0)) for place in asked
    ]
    kept = await decided(resources, questions, patient=True)
    found = list(customers)
    for place, made in zip(asked, kept, strict=True):
        told = answer_of(made.record.key, made.decided, (), True)
        send = DueSend(
            decision_id=told.decision_id,
            send=told.action.send,
            reason=told.action.reason,
            channel=told.action.channel,
            send_at=told.action.send_at,
        )
        found[place] = customers[place].model_copy(update={"send": send})
    return found


def _since(customer: DueCustomer) -> datetime:
    """From when on it may be decided about a customer."""
    return datetime.combine(customer.due_at, time(), UTC) - AHEAD


def trigger_of(need: tuple[str, int]) -> str:
    """The id of the trigger that a need is, whatever the group is called.

    >>> trigger_of(("milk", 20_000)) == trigger_of(("milk", 20_000)) != trigger_of(("milk", 20_014))
    True
    """
    return f"due:{hashlib.blake2b(msgspec.json.encode(need), digest_size=12).hexdigest()}"


def _request(customer: DueCustomer, need: tuple[str, int], channels: tuple[str, ...], bank: Bank) -> DecisionRequest:
    cart = customer.cart
    return DecisionRequest(
        decision_point=POINT,
        subject=customer.subject,
        trigger=Trigger(id=trigger_of(need)),
        eligible=Allowed(channels=channels),
        context=DecisionContext(
            cart_value=None if cart.total is None else cart.total.amount,
            currency=bank.currency if cart.total is None else cart.total.currency,
            items=tuple(CartLine(item_id=item.item_id, quantity=item.quantity) for item in cart.items),
        ),
    )

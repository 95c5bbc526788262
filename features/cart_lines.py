"""The lines of one person's carts while events are read: one set a device or account, united when they turn out one."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal

from features.events import Event, Line
from features.person import default_customer

_PLACES = Decimal("0.0001")
_CENTS = Decimal("0.01")
_WIDE = Context(prec=60)
"""The dearest line that an event may have, a thousand times, does not fit into the usual 28 digits."""


@dataclass(frozen=True)
class CartLine:
    """One product of a cart. `price` is per unit, the last that was said; None where none ever was."""

    product_id: str
    quantity: float
    price: Decimal | None = None
    currency: str | None = None


@dataclass
class HeldLines:
    """What each of a person's accounts and devices holds. What the person has is the union, by the larger quantity.

    The larger and not the sum: a tracker that reports the cart again after a login would else double it.
    """

    held: dict[str, dict[str, CartLine]] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)

    def meet(self, event: Event) -> None:
        """A login or alias makes two of them one from here on, so that what is taken out of it is out of both."""
        if event.user_id is None:
            return
        others = [_visitor(event.anonymous_id)] if event.anonymous_id is not None else []
        if event.type == "aliased" and event.body.previous_id is not None:
            others += [_visitor(event.body.previous_id), event.body.previous_id]
        for other in map(self._root, others):
            owner = self._root(event.user_id)
            if other != owner:
                mine = self.held.setdefault(owner, {})
                for id_, line in self.held.pop(other, {}).items():
                    mine[id_] = _larger(mine.get(id_), line)
                self._owners[other] = owner

    def put(self, event: Event, counted: bool) -> None:
        """What the event's lines add; with `counted` their quantities, else one of each."""
        mine = self.held.setdefault(self._holder(event), {})
        for line in event.body.lines:
            before = mine.get(line.product_id)
            quantity = line.quantity + (before.quantity if before else 0.0) if counted else 1.0
            mine[line.product_id] = _read(line, quantity, event, before)

    def take(self, event: Event, counted: bool) -> None:
        """What the event's lines take out; with `counted` so many, else all of it."""
        mine = self.held.get(self._holder(event), {})
        for line in event.body.lines:
            before = mine.pop(line.product_id, None)
            if before is not None and counted and before.quantity > line.quantity:
                mine[line.product_id] = replace(before, quantity=before.quantity - line.quantity)

    def tell(self, event: Event) -> None:
        """The event's lines are all there is; a product that is named twice is there in the sum."""
        holder = self._holder(event)
        before = self.held.get(holder, {})
        told: dict[str, CartLine] = {}
        for line in event.body.lines:
            again = told.get(line.product_id)
            quantity = line.quantity + (again.quantity if again else 0.0)
            told[line.product_id] = _read(line, quantity, event, again or before.get(line.product_id))
        self.held[holder] = told

    def bought(self, product_ids: Set[str]) -> None:
        """What was bought is out of all of them, whatever the quantity: nobody wants to be reminded of it."""
        for lines in self.held.values():
            for id_ in product_ids & lines.keys():
                del lines[id_]

    def clear(self) -> None:
        """Nothing is held any more; who is one with whom stays known."""
        self.held.clear()

    def lines(self) -> tuple[CartLine, ...]:
        """The union, in the order in which the products came."""
        united: dict[str, CartLine] = {}
        for lines in self.held.values():
            for id_, line in lines.items():
                united[id_] = _larger(united.get(id_), line)
        return tuple(united.values())

    def _holder(self, event: Event) -> str:
        return self._root(_visitor(event.anonymous_id) if event.user_id is None else event.user_id)

    def _root(self, holder: str) -> str:
        while holder in self._owners:
            holder = self._owners[holder]
        return holder


def worth(lines: Iterable[CartLine]) -> tuple[Decimal | None, str | None]:
    """What lines cost together, and in which currency; no value where a price is unknown or currencies differ.

    >>> worth([CartLine("tea", 2.0, Decimal("4.90"), "EUR"), CartLine("milk", 0.5, Decimal("1.10"))])
    (Decimal('10.35'), 'EUR')
    >>> worth([CartLine("tea", 1.0, Decimal("4.90"), "EUR"), CartLine("milk", 1.0)])
    (None, 'EUR')
    """
    found = list(lines)
    currencies = {line.currency for line in found if line.currency is not None}
    if len(currencies) > 1:
        return None, None
    currency = next(iter(currencies), None)
    prices = [line.price * exactly(line.quantity) for line in found if line.price is not None]
    if not found or len(prices) < len(found):
        return None, currency
    return round_money(sum(prices, Decimal(0))), currency


def exactly(quantity: float) -> Decimal:
    """A quantity as it was written."""
    whole = int(quantity)
    return Decimal(whole) if whole == quantity else Decimal(repr(quantity))


def round_money(amount: Decimal) -> Decimal:
    """To the four places that prices have, without zeros behind the second."""
    rounded = amount.quantize(_PLACES, context=_WIDE)
    shorter = rounded.quantize(_CENTS, context=_WIDE)
    return shorter if shorter == rounded else rounded


def _visitor(anonymous_id: str | None) -> str:
    return default_customer(None, anonymous_id)


def _read(line: Line, quantity: float, event: Event, before: CartLine | None) -> CartLine:
    if line.price is None and before is not None:
        return replace(before, quantity=quantity)
    return CartLine(line.product_id, quantity, line.price, event.body.currency)


def _larger(left: CartLine | None, right: CartLine) -> CartLine:
    return right if left is None or right.quantity > left.quantity else left

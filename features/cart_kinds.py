"""What a cart may be made of: what was put in, what was only viewed, what was wished for; one machine reads all."""

from dataclasses import dataclass
from typing import Literal

KindName = Literal["cart", "browse", "wishlist"]

CHECKOUT = frozenset({"checkout_started", "checkout_step_viewed", "checkout_step_completed"})
"""The types of events by which a cart becomes a checkout."""


@dataclass(frozen=True)
class Kind:
    """Which types of events fill a cart, take products out, tell all that is in, or end it whole.

    Where quantities are not `counted`, putting in twice is putting in once. With `sessions`, whatever fills it after it
    was abandoned begins another cart.
    """

    name: KindName
    fills: frozenset[str]
    takes: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    counted: bool = False
    sessions: bool = False

    @property
    def touch(self) -> frozenset[str]:
        """The types by which the person shows that the cart is still on their mind."""
        return self.fills | self.takes | self.tells

    @property
    def types(self) -> frozenset[str]:
        """Every type that it is made of; any other only tells that the person is still there."""
        return self.touch | self.ends | {"order_completed", "identified", "aliased"}


CART = Kind(
    "cart",
    fills=frozenset({"product_added"}),
    takes=frozenset({"product_removed"}),
    tells=CHECKOUT | {"cart_viewed"},
    counted=True,
)
BROWSE = Kind(
    "browse",
    fills=frozenset({"product_viewed"}),
    ends=frozenset({"product_added", "order_completed"}),
    sessions=True,
)
WISHLIST = Kind(
    "wishlist",
    fills=frozenset({"product_added_to_wishlist"}),
    takes=frozenset({"product_removed_from_wishlist", "product_added"}),
)
KINDS: dict[KindName, Kind] = {kind.name: kind for kind in (CART, BROWSE, WISHLIST)}

CART_EVENTS = tuple(sorted(frozenset[str]().union(*(kind.types for kind in KINDS.values()))))
"""The types that change a cart of any kind."""

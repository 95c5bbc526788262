"""What rules judge an action by: everything that is known of a person and a moment, gathered before anybody decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from features.contact import Contact
from serving.decisions.bank import Bank, Condition, DecisionPoint
from serving.decisions.budgets import Spending
from serving.decisions.sends import Bar, Planned, bars, send_times
from serving.decisions.zones import Place


@dataclass(frozen=True)
class Facts:
    """About one decision. All times carry an offset.

    `earliest` and `latest` are those of the request, `channels`, `arguments` and `incentives` what the engine can do,
    None where it did not say. `messages` of this episode were decided before, and `most_messages` is the engine's own
    limit. `value` is what the cart is worth, None when unknown; `true` is what may be said of it; `in_stock` is False
    when nothing of it is to be had. `planned` are messages decided about the same person, here or at another point,
    that may still go out; `given` says when each incentive was last offered to them. `ended` is the reason why nothing
    is to be sent any more: order_completed, cart_emptied.
    """

    bank: Bank
    point: DecisionPoint
    now: datetime
    trigger_at: datetime
    place: Place
    contact: Contact = field(default_factory=Contact)
    earliest: datetime | None = None
    latest: datetime | None = None
    messages: int = 0
    most_messages: int | None = None
    channels: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    incentives: tuple[str, ...] | None = None
    value: float | None = None
    true: frozenset[Condition] = frozenset()
    in_stock: bool = True
    planned: tuple[Planned, ...] = ()
    given: Mapping[str, datetime] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)
    ended: str | None = None

    @property
    def opens(self) -> datetime:
        """The first moment at which something may be sent."""
        return max(self.now, self.trigger_at, self.earliest or self.now)

    @property
    def closes(self) -> datetime:
        """The moment at which it is too late."""
        given_up = self.trigger_at + timedelta(hours=self.point.ttl_hours)
        return min(given_up, self.latest) if self.latest else given_up

    @cached_property
    def bars(self) -> Mapping[str, Sequence[Bar]]:
        """The times at which one more message would be too many, for each channel of the bank."""
        times = send_times(self.contact.touches, self.planned)
        together = bars([at for at, _ in times], self.point.caps, self.point.min_gap_hours)
        found = {}
        for name, channel in self.bank.channels.items():
            own = [at for at, of in times if of == name]
            found[name] = [*bars(own, channel.caps, channel.min_gap_hours), *together]
        return found

    @property
    def margin_minutes(self) -> int:
        """By how much what is open shrinks, as the customer's clock is not known."""
        return 0 if self.place.known else self.bank.unknown_zone_minutes

"""The action bank: what a decision may consist of, at which price and within which limits. Configuration.

`default_bank.py` holds the default, which `bank_file.py` changes. Channels, delays, arguments and incentives are rows;
a policy describes an action by what it is made of, so a new row needs no new model.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from models.policies.rule import Message
from serving.decisions.quiet_hours import LocalHours
from serving.decisions.zones import is_zone

Mode = Literal["shadow", "apprentice", "canary", "online", "frozen", "off"]
"""shadow and apprentice answer the shop's rule and log what the policy would do, canary lets it decide for a share of
the customers, online for all, frozen without learning on; off sends nothing."""

Consent = Literal["assumed", "required"]
Condition = Literal["low_stock", "price_drop", "free_returns"]
"""What must be true before an argument may say so."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DELAY = re.compile(r"(0|[1-9][0-9]{0,3})(m|h|d)")
_MINUTES = {"m": 1, "h": 60, "d": 1_440}
NIGHT = LocalHours.of("21:00-09:00")


@dataclass(frozen=True)
class Caps:
    """At most so many messages within 1, 7 and 30 days, whoever sent them; None where there is no limit."""

    day: int | None = None
    week: int | None = None
    month: int | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.day, self.week, self.month) if limit is not None]
        if any(limit < 0 for limit in limits) or sorted(limits) != limits:
            raise ValueError("caps must not be negative, nor a longer period allow less than a shorter one")


@dataclass(frozen=True)
class Channel:
    """A way to reach somebody. `cost` is what one message costs, in the currency of the bank.

    Nothing is sent in the `quiet` hours of the customer's own clock, nor outside the `legal` ones. With consent
    `required` somebody must have granted it for this channel and `purpose`; `assumed`, nobody may have withdrawn it.
    What a customer lost to the channel, or angered, is worth, is part of the reward.
    """

    name: str
    cost: float = 0.0
    quiet: LocalHours | None = NIGHT
    legal: LocalHours | None = None
    caps: Caps = field(default_factory=Caps)
    min_gap_hours: float = 0.0
    purpose: str = "marketing"
    consent: Consent = "assumed"
    unsubscribe_cost: float = 0.0
    complaint_cost: float = 0.0

    def __post_init__(self) -> None:
        _named("channel", self.name)
        _known("consent", [self.consent], get_args(Consent))
        for name in ("cost", "min_gap_hours", "unsubscribe_cost", "complaint_cost"):
            _at_least(0, self, name)


@dataclass(frozen=True)
class Argument:
    """What a message says; all that it `needs` must be true of what is in the cart."""

    name: str
    needs: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        _named("argument", self.name)
        _known("needs", self.needs, get_args(Condition))


@dataclass(frozen=True)
class Incentive:
    """What a message gives away: a `share` of the cart's value, or an `amount` in the currency of the bank.

    `budget` is how much may be promised within a day of the shop, None for no limit. Nobody is offered it twice within
    `cooldown_days`, lest people learn to abandon carts, and at most `max_share` of a day's messages carry it.
    """

    name: str
    share: float = 0.0
    amount: float = 0.0
    budget: float | None = None
    cooldown_days: float = 30.0
    max_share: float = 1.0

    def __post_init__(self) -> None:
        _named("incentive", self.name)
        for name in ("share", "amount", "cooldown_days", "max_share"):
            _at_least(0, self, name)
        if self.budget is not None:
            _at_least(0, self, "budget")
        if self.share > 1 or self.max_share > 1:
            raise ValueError("share and max_share are shares of 1")
        if (self.share > 0) == (self.amount > 0):
            raise ValueError("an incentive gives a share of the cart or an amount; write one of them, above 0")

    def discount(self, value: float) -> float:
        """What it gives away of a cart worth `value`.

        >>> Incentive("tenth", share=0.1).discount(40.0), Incentive("five", amount=5).discount(4.0)
        (4.0, 4.0)
        """
        return self.share * value if self.share else min(self.amount, value)


@dataclass(frozen=True)
class Groups:
    """Shares of customers who are decided for by chance, by the shop's rule, or not at all; `salt` deals them out."""

    random: float = 0.03
    baseline: float = 0.0
    holdout: float = 0.05
    salt: str = "kairos"

    def __post_init__(self) -> None:
        for name in ("random", "baseline", "holdout"):
            _at_least(0, self, name)
        if self.random + self.baseline + self.holdout > 1:
            raise ValueError("random, baseline and holdout are shares of all customers; together at most 1")


@dataclass(frozen=True)
class DecisionPoint:
    """A kind of moment at which is decided: a cart was abandoned, a campaign is to go out.

    `policy` is the registered model that decides. A cart is left alone for `idle_minutes` before it counts as
    abandoned, and is worth writing about for `ttl_hours`; orders count for `window_hours` after a decision. A message
    goes at a time between its delay and the next one, at one of `most_hours` local hours, by the customer's habits or,
    where none are known, those of `hours` that come first. `rule` is the shop's own series. `margin` is the share of an
    order's value that is earned. `caps` are for all channels together, and `min_gap_hours` lie between any two
    messages. `canary` is the share of customers for whom a version on trial decides. That nothing is sent stands until
    the window closes, or is decided anew after `reconsider` ("24h", "3d").
    """

    name: str
    policy: str
    triggers: tuple[str, ...] = ()
    mode: Mode = "online"
    idle_minutes: float = 60.0
    ttl_hours: float = 168.0
    window_hours: float = 168.0
    max_messages: int = 3
    min_gap_hours: float = 12.0
    delays: tuple[str, ...] = ("1h", "3h", "6h", "12h", "24h", "48h", "72h")
    hours: tuple[int, ...] = (19, 10, 13, 16)
    most_hours: int = 3
    arguments: tuple[str, ...] = ()
    incentives: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    rule: tuple[Message, ...] = ()
    margin: float = 0.3
    caps: Caps = field(default_factory=lambda: Caps(2, 5, 12))
    most_slots: int = 60
    canary: float = 0.1
    reconsider: str | None = None

    def __post_init__(self) -> None:
        _named("decision point", self.name)
        _known("mode", [self.mode], get_args(Mode))
        for name in ("idle_minutes", "min_gap_hours", "margin", "max_messages"):
            _at_least(0, self, name)
        for name in ("ttl_hours", "window_hours", "most_hours", "most_slots"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        _at_least(0, self, "canary")
        if self.margin > 1 or self.canary > 1:
            raise ValueError("margin and canary are shares of 1")
        if any(not 0 <= hour < 24 for hour in self.hours) or not self.hours:
            raise ValueError("hours are local hours of a day, 0 to 23, at least one")
        if self.reconsider is not None and not delay_minutes(self.reconsider):
            raise ValueError("reconsider must be above 0; write minutes, hours or days as 90m, 24h or 3d")
        minutes = [delay_minutes(delay) for delay in self.delays]
        if not minutes or sorted(set(minutes)) != minutes:
            raise ValueError("delays must rise, and there must be one at least, e.g. delays = ['3h', '24h', '72h']")

    @cached_property
    def spans(self) -> tuple[tuple[str, float, float], ...]:
        """(delay, from, until), in hours after the trigger: until the next delay, and at most a day.

        >>> DecisionPoint("cart", "cart-policy", delays=("12h", "24h", "72h")).spans
        (('12h', 12.0, 24.0), ('24h', 24.0, 48.0), ('72h', 72.0, 96.0))
        """
        hours = [delay_minutes(delay) / 60 for delay in self.delays]
        ends = [*hours[1:], float("inf")]
        return tuple(
            (delay, start, min(end, start + 24.0)) for delay, start, end in zip(self.delays, hours, ends, strict=True)
        )


@dataclass(frozen=True)
class Bank:
    """Everything there is. `zone` is the shop's own; where it stands in for a customer's, what is open shrinks by
    `unknown_zone_minutes` at both ends."""

    channels: Mapping[str, Channel]
    arguments: Mapping[str, Argument]
    incentives: Mapping[str, Incentive]
    points: Mapping[str, DecisionPoint]
    groups: Groups = field(default_factory=Groups)
    zone: str = "UTC"
    unknown_zone_minutes: int = 120
    currency: str | None = None

    def __post_init__(self) -> None:
        if not is_zone(self.zone):
            raise ValueError(f"zone {self.zone!r} is no IANA time zone; write e.g. Europe/Moscow")
        _at_least(0, self, "unknown_zone_minutes")
        for point in self.points.values():
            named = f"decision point {point.name}: "
            _known(f"{named}channels", point.channels, self.channels)
            _known(f"{named}arguments", point.arguments, self.arguments)
            _known(f"{named}incentives", point.incentives, self.incentives)
            for message in point.rule:
                _known(f"{named}rule", [message.channel], point.channels)
                _known(f"{named}rule", [message.delay], point.delays)
                _known(f"{named}rule", [message.argument] if message.argument else [], point.arguments)
                _known(f"{named}rule", [message.incentive] if message.incentive else [], point.incentives)


def delay_minutes(delay: str) -> int:
    """The minutes of a delay's name. Raises ValueError for what is none.

    >>> delay_minutes("90m"), delay_minutes("24h"), delay_minutes("3d")
    (90, 1440, 4320)
    """
    found = _DELAY.fullmatch(delay)
    if not found:
        raise ValueError(f"{delay!r} is no delay; write minutes, hours or days as 90m, 24h or 3d")
    return int(found[1]) * _MINUTES[found[2]]


def _named(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a {what}; use small letters, digits and _, beginning with a letter")


def _known(what: str, names: Collection[str], known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{what}: {', '.join(map(repr, unknown))} is not known; there is {', '.join(known) or 'none'}")


def _at_least(least: float, of: object, name: str) -> None:
    value = getattr(of, name)
    if not least <= value < float("inf"):
        raise ValueError(f"{name} = {value!r} must be at least {least} and finite")

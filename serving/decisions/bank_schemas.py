"""The action bank as it is told over HTTP."""

from pydantic import BaseModel

from serving.decisions.bank import Bank, Condition, Consent, Mode


class CapsAnswer(BaseModel):
    """At most so many messages within 1, 7 and 30 days; null is no limit."""

    day: int | None
    week: int | None
    month: int | None


class ChannelAnswer(BaseModel):
    """A way to reach somebody; hours are on the customer's own clock, e.g. 21:00-09:00."""

    name: str
    cost: float
    quiet: str | None
    legal: str | None
    caps: CapsAnswer
    min_gap_hours: float
    purpose: str
    consent: Consent
    unsubscribe_cost: float
    complaint_cost: float


class ArgumentAnswer(BaseModel):
    """What a message says, and what must be true for it."""

    name: str
    needs: list[Condition]


class IncentiveAnswer(BaseModel):
    """What a message gives away: a share of the cart, or an amount."""

    name: str
    share: float
    amount: float
    budget: float | None
    cooldown_days: float
    max_share: float


class MessageAnswer(BaseModel):
    """One message of the shop's own series."""

    channel: str
    delay: str
    argument: str
    incentive: str
    hour: str


class GroupsAnswer(BaseModel):
    """Shares of customers who are not decided for by the policy."""

    random: float
    baseline: float
    holdout: float


class DecisionPointAnswer(BaseModel):
    """A kind of moment at which is decided, and everything that a decision there may consist of."""

    name: str
    policy: str
    triggers: list[str]
    mode: Mode
    idle_minutes: float
    ttl_hours: float
    window_hours: float
    max_messages: int
    min_gap_hours: float
    delays: list[str]
    hours: list[int]
    most_hours: int
    arguments: list[str]
    incentives: list[str]
    channels: list[str]
    rule: list[MessageAnswer]
    margin: float
    caps: CapsAnswer
    most_slots: int
    canary: float
    reconsider: str | None


class BankAnswer(BaseModel):
    """What `GET /v1/action-bank` answers. Costs and amounts are in `currency`."""

    zone: str
    unknown_zone_minutes: int
    currency: str | None
    groups: GroupsAnswer
    channels: list[ChannelAnswer]
    arguments: list[ArgumentAnswer]
    incentives: list[IncentiveAnswer]
    points: list[DecisionPointAnswer]

    @classmethod
    def of(cls, bank: Bank) -> "BankAnswer":
        """All of `bank` but the salt of the groups, by which anybody could tell who is in which."""
        return cls.model_validate(
            {
                "zone": bank.zone,
                "unknown_zone_minutes": bank.unknown_zone_minutes,
                "currency": bank.currency,
                "groups": bank.groups,
                "channels": [_channel(channel) for channel in bank.channels.values()],
                "arguments": list(bank.arguments.values()),
                "incentives": list(bank.incentives.values()),
                "points": list(bank.points.values()),
            },
            from_attributes=True,
        )


def _channel(channel: object) -> dict[str, object]:
    fields = {name: getattr(channel, name) for name in ChannelAnswer.model_fields}
    return fields | {name: None if fields[name] is None else str(fields[name]) for name in ("quiet", "legal")}

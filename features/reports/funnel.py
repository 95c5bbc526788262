"""What became of the decisions of one decision point, step by step until an order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.reports.share import Share
from features.reports.stretch import NEWEST, Stretch

StageName = Literal["decided", "to_send", "activated", "delivered", "opened", "clicked", "ordered"]
Factor = Literal["channel", "argument", "step"]


@dataclass(frozen=True)
class Stage:
    """How many decisions came so far. `count` never grows from one stage to the next: who clicked also opened, whether
    the engine told or not. `reported` is how many were told of, whatever came before.

    `of_before` is the share of the stage before, `of_sent` that of messages sent, None for stages before it. `bought`
    are those of them whose customer ordered within the window, for whatever reason.
    """

    name: StageName
    count: int
    reported: int
    of_before: Share | None
    of_all: Share
    of_sent: Share | None
    bought: Share


@dataclass(frozen=True)
class Branch:
    """The decisions of one channel, argument or step: a funnel of their own.

    `name` is None for those that chose silence, and "" for messages without an argument. `claimed` is how many the
    engine claims to have converted: never added to orders.
    """

    by: Factor
    name: str | None
    stages: tuple[Stage, ...]
    claimed: int


@dataclass(frozen=True)
class Funnel:
    """The decisions of `stretch` whose window has closed, from `since` to `until`; `immature` others wait for theirs
    to close, `simulated` of both are about made customers.

    An order counts for the person who made it, in the window of the decision, whoever claims it. Windows overlap, so
    one order may stand behind two decisions: `orders` are different ones, `counted` is how often they were counted.
    Orders without an id are in neither. Of the stages `untold` no tool reports anything, so they are left out.
    `claimed_only` are claims behind which no order of the customer is known, `unclaimed` orders that nobody claims.
    Opened and clicked are acts of people; what machines alone did stands apart.
    """

    as_of: datetime
    computed_at: datetime
    decision_point: str
    since: datetime | None
    until: datetime | None
    immature: int
    stages: tuple[Stage, ...]
    untold: tuple[StageName, ...]
    branches: tuple[Branch, ...]
    opened_by_machines: int
    clicked_by_machines: int
    bounced: int
    unsubscribed: int
    complained: int
    sent_otherwise: int
    ambiguous: int
    orders: int
    counted: int
    claimed: int
    claimed_only: int
    unclaimed: int
    stretch: Stretch = NEWEST
    simulated: int = 0

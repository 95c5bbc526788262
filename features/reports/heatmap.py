"""How messages were answered, by the hour of the week on the customer's own clock in which they went out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from features.reports.share import Share
from features.reports.stretch import NEWEST, Stretch

Measure = Literal["answered", "ordered"]
Segment = Literal["new", "repeat", "lapsed", "unknown"]


@dataclass(frozen=True)
class Block:
    """Three hours of working days or of the weekend, against all other hours.

    `seen` says that more or less is answered than by chance, of all blocks at a false discovery rate of 5 %. `proved`
    says the same of messages alone whose time was drawn at random: only those prove that the hour is the reason.
    """

    weekend: bool
    from_hour: int
    until_hour: int
    answered: Share
    others: Share
    seen: bool
    proved: bool


@dataclass(frozen=True)
class Grid:
    """One entry an hour of the week, Monday's first hour first, for all or one `channel` and `segment` of customers.

    `rate` is `answered` over `sends`, None where nothing was sent. `estimate` is that shrunk towards the average, as
    much as the hours of this grid differ from each other, with the ends of its 95 % interval.
    """

    measure: Measure
    channel: str | None
    segment: Segment | None
    average: Share
    sends: tuple[int, ...]
    answered: tuple[int, ...]
    rate: tuple[float | None, ...]
    estimate: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class HeatMap:
    """The messages of one decision point whose window has closed; `immature` others wait for theirs. They were decided
    in the `stretch`, and `simulated` of both went to made customers.

    `answered` means that a person opened, clicked or ordered, `ordered` that they ordered, after it went out. `closed`
    has, for each channel, the share of each of the 24 hours of a day in which it says nothing. `zone` is the clock of
    those of whom no other is known. `model` is the version of send-time whose hours the estimates start from, None
    where all hours start alike. `at_random` messages had a time that chance drew.
    """

    as_of: datetime
    computed_at: datetime
    decision_point: str
    zone: str
    model: str | None
    immature: int
    at_random: int
    closed: dict[str, tuple[float, ...]]
    grids: tuple[Grid, ...]
    stretch: Stretch = NEWEST
    simulated: int = 0

"""How far back a report looks: its memory follows from that and not from how long the shop has been there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stretch:
    """The decisions of so many `days` before the report's moment, of one decision point at most the newest `most`;
    `limited` where there were more."""

    days: int = 90
    most: int = 100_000
    limited: bool = False


NEWEST = Stretch()
"""What is usual."""

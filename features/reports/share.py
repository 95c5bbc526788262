"""How many of how many, with how sure that is of the next ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """`count` of `of`; `value` is the share with its 95 % interval, None where it is a share of nothing.

    Wilson's interval takes each for independent of the others; several of one customer are a little less than that.
    """

    count: int
    of: int
    value: float | None = None
    low: float | None = None
    high: float | None = None

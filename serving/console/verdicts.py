"""What a page says of an interval: by how much, how sure, and whether it is proved."""

from collections.abc import Callable

from features.reports.interval import Interval
from serving.console.words import Words

Shown = Callable[[float | None], str]
"""How a number of the interval is written."""


def interval(words: Words, found: Interval, shown: Shown) -> str:
    """How sure a number is, in words."""
    if found.low is None and found.high is None:
        return words("too little is known for an interval yet")
    low, high = (words("without bound") if end is None else shown(end) for end in (found.low, found.high))
    return words("95 % interval {low} to {high}", low=low, high=high)


def verdict(words: Words, found: Interval) -> str:
    """Whether a difference is proved."""
    if found.above:
        return words("proved")
    return words("proved to be less") if found.below else words("not yet proved")


def signed(text: str, number: float | None) -> str:
    """A number as text with its sign, which says better that it is a difference.

    >>> signed("4 %", 0.04), signed("-4 %", -0.04), signed("0 %", 0.0)
    ('+4 %', '-4 %', '0 %')
    """
    return f"+{text}" if number is not None and number > 0 else text

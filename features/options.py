"""Options of decisions as columns: what a policy is asked with while it serves, and learns from afterwards."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

from features.decisions import Option

_FACTORS = attrgetter("channel", "delay", "hour", "weekday", "argument", "incentive")
_NUMBERS = attrgetter("delay_hours", "slot_score", "cost", "discount")
"""In the order of FACTORS and NUMBERS of `models/policies/eligible.py`."""

Texts = tuple[str, ...]
Numbers = tuple[float, ...]


def columns(decisions: Sequence[Sequence[Option]]) -> tuple[list[int], list[Texts], list[Numbers]]:
    """How many options each decision has, the six columns of their labels and the four of their numbers.

    What an option lacks is an empty text. One function for both sides, so that what was served is what is learned from.

    >>> counts, labels, numbers = columns([[Option(0.1), Option(0.9, "email", delay="24h", cost=0.01)]])
    >>> counts, labels[:2], numbers[2]
    ([2], [('', 'email'), ('', '24h')], (0.0, 0.01))
    """
    options = list(chain.from_iterable(decisions))
    labels = list(zip(*map(_FACTORS, options), strict=True)) or [()] * 6
    labels[0] = tuple(channel or "" for channel in labels[0])
    numbers = list(zip(*map(_NUMBERS, options), strict=True)) or [()] * 4
    return [len(decision) for decision in decisions], labels, numbers

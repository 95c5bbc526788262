"""The shop's own rule: a series of messages, each at its time, whoever it is. What every policy has to beat."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible, Starts
from models.policies.logged import LoggedDecisions

STEP = "step"
"""The name of the context that says which message of an episode a decision is about, from 1 on; 1 where it is not."""

_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}
_DELAY = re.compile(r"(\d+(?:\.\d+)?)([mhd])")
_CHANNEL, _HOUR, _ARGUMENT, _INCENTIVE = (FACTORS.index(name) for name in ("channel", "hour", "argument", "incentive"))
_DELAY_HOURS = NUMBERS.index("delay_hours")


@dataclass(frozen=True)
class Message:
    """One message of a series: where, how long after the trigger ("24h", "90m" or "3d"), with what, at which hour.

    An empty argument or incentive is none; an empty hour is any.

    >>> Message("email", "24h", "reminder").delay_hours
    24.0
    """

    name: ClassVar[str] = "message"
    channel: str
    delay: str
    argument: str = ""
    incentive: str = ""
    hour: str = ""

    def __post_init__(self) -> None:
        if not self.channel:
            raise ValueError("a message needs a channel; a shorter series says nothing")
        if not _DELAY.fullmatch(self.delay):
            raise ValueError(f"{self.delay!r} is no delay; write hours as 24h, minutes as 90m or days as 3d")

    @property
    def delay_hours(self) -> float:
        """The delay in hours."""
        return float(self.delay[:-1]) * _HOURS[self.delay[-1]]


def picked(series: tuple[Message, ...], contexts: Contexts, eligible: Eligible) -> Starts:
    """The row of `eligible` that `series` stands for, one a decision.

    At step s it is the option that comes closest to the s-th message: of its channel, then with its argument, then of
    the nearest delay, then with its incentive and hour. After the last message, or when nothing of the channel is
    eligible, it is silence; where even that is not eligible, the closest of any channel. Which of equally close options
    it is does not depend on their order.
    """
    steps = np.nan_to_num(contexts.columns([STEP])[:, 0], nan=1.0)
    at = np.clip(steps.astype(np.int64) - 1, 0, len(series))[eligible.decisions]
    asked = [Message("silence", "0h"), *series]
    message = np.where(at < len(series), at + 1, 0)
    silent, named = eligible.silent, message > 0

    def misses(factor: int, wanted: list[str], any_is_fine: bool = False) -> Mask:
        places = {label: place for place, label in enumerate(eligible.labels[factor])}
        codes = np.array([places.get(label, -1 if label == "" else -2) for label in wanted])[message]
        found = eligible.codes[:, factor] != codes
        if "" in places:  # a label that says none is none
            found &= ~((codes == places[""]) & (eligible.codes[:, factor] == -1))
        indifferent = np.array([any_is_fine and label == "" for label in wanted])[message]
        return np.asarray(found & ~indifferent, bool)

    channel = misses(_CHANNEL, [each.channel for each in asked])
    apart = np.abs(eligible.numbers[:, _DELAY_HOURS] - np.array([each.delay_hours for each in asked])[message])
    rank = np.where(named & ~channel & ~silent, 0, np.where(silent, 1, 2))
    best = np.ones(len(rank), bool)
    for key in (
        rank,
        misses(_ARGUMENT, [each.argument for each in asked]),
        apart,
        misses(_INCENTIVE, [each.incentive for each in asked]),
        misses(_HOUR, [each.hour for each in asked], any_is_fine=True),
        *(_ranks(eligible, factor) for factor in range(len(FACTORS))),
        *eligible.numbers.T,
    ):
        if best.sum() == len(eligible):
            break
        left = np.where(best, key, np.inf)
        best &= left == np.minimum.reduceat(left, eligible.starts[:-1])[eligible.decisions]
    return eligible.first(best)


def certain(rows: Starts, eligible: Eligible) -> Floats:
    """Probability 1 for each of `rows`, one a decision."""
    found = np.zeros(len(eligible.codes))
    found[rows] = 1.0
    return found


def _ranks(eligible: Eligible, factor: int) -> NDArray[np.int64]:
    """The place of each row's label in the alphabet, whatever code it has."""
    order = np.argsort(np.array(eligible.labels[factor], str)) if eligible.labels[factor] else np.empty(0, np.int64)
    ranks = np.empty(len(order) + 1, np.int64)
    ranks[order] = np.arange(len(order))
    ranks[-1] = -1
    return ranks[eligible.codes[:, factor]]


@dataclass(frozen=True)
class FittedRule:
    """The series itself."""

    series: tuple[Message, ...]
    name: str = "rule"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """1 for what the series stands for, else 0."""
        return certain(picked(self.series, contexts, eligible), eligible)

    def updated(self, log: LoggedDecisions) -> "FittedRule":  # noqa: ARG002
        """Itself: a rule does not learn."""
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """None: a rule is its recipe."""
        return {}


@dataclass(frozen=True)
class Rule:
    """The recipe of a rule; without messages it is silence.

    >>> day = Rule((Message("email", "24h"),))
    >>> mails = [({"channel": "email", "delay": f"{hours}h"}, {"delay_hours": hours}) for hours in (1, 12, 48)]
    >>> day.fit().probabilities(Contexts.of([{}]), Eligible.of([[({}, {}), *mails]]))
    array([0., 0., 1., 0.])
    """

    name: ClassVar[str] = "rule"
    series: tuple[Message, ...] = ()

    def fit(self, log: LoggedDecisions | None = None) -> FittedRule:  # noqa: ARG002
        """Ready at once."""
        return FittedRule(self.series)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedRule:  # noqa: ARG002
        """Ready at once."""
        return FittedRule(self.series)

"""A preview of the series: what would follow the first message if nothing happened. Only a preview, never a promise.

After each message the same policy is asked again, as it will be in earnest, and its likeliest answer is taken.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.decisions import Option
from serving.decisions.bank import Channel
from serving.decisions.drawing import Draft, Drawn, told_of

_MINUTE = 1 / 60
_ROUNDING = 1e-9
"""Hours; the times themselves are whole seconds."""

log = logging.getLogger(__name__)


@dataclass
class _Open:
    """One series in the making: the places of its messages in the options of the draft."""

    draft: Draft
    drawn: Drawn
    places: list[int] = field(default_factory=list)

    def later(self, channels: Mapping[str, Channel]) -> list[int]:
        """The options that come after the last message, far enough from it."""
        options, point = self.draft.options, self.draft.point
        last = options[self.places[-1]]
        far = max(point.min_gap_hours, _MINUTE) - _ROUNDING
        near = max(channels[last.channel].min_gap_hours - _ROUNDING, far) if last.channel else far
        return [
            place
            for place, option in enumerate(options)
            if option.channel is not None
            and option.delay_hours - last.delay_hours >= (near if option.channel == last.channel else far)
        ]

    def context(self) -> dict[str, float]:
        """What will be known when the next message is decided, as far as it can be said now."""
        sent, told = len(self.places), dict(self.draft.context)
        gap = self.draft.point.min_gap_hours
        told["step"] = told.get("step", 1.0) + sent
        told["messages_left"] = max(told.get("messages_left", 0.0) - sent, 0.0)
        told["hours_since_trigger"] = self.draft.options[self.places[-1]].delay_hours + gap
        told["hours_since_touch"] = gap
        for name in ("touches_7d", "touches_30d"):
            told[name] = told.get(name, 0.0) + sent
        return told


def planned(drafts: Sequence[Draft], drawn: Sequence[Drawn], channels: Mapping[str, Channel]) -> list[tuple[int, ...]]:
    """For each draft the options that would follow the chosen one, in their order; none after silence."""
    series = [_Open(draft, one, [one.chosen]) for draft, one in zip(drafts, drawn, strict=True)]
    open_ = [one for one in series if one.draft.options[one.drawn.chosen].channel is not None]
    while open_:
        open_ = [one for one in open_ if len(one.places) < one.draft.most_messages]
        going: list[_Open] = []
        for group in _by_model(open_):
            going += _followed(group, channels)
        open_ = going
    return [tuple(one.places[1:]) for one in series]


def _by_model(series: Sequence[_Open]) -> list[list[_Open]]:
    groups: dict[int, list[_Open]] = {}
    for one in series:
        groups.setdefault(id(one.drawn.decider.model), []).append(one)
    return list(groups.values())


def _followed(group: Sequence[_Open], channels: Mapping[str, Channel]) -> list[_Open]:
    """Those of a group that get another message, with it."""
    later = [(one, places) for one in group if (places := one.later(channels))]
    if not later:
        return []
    options: list[list[Option]] = [
        [Option(0.0), *(one.draft.options[place] for place in places)] for one, places in later
    ]
    try:
        eligible, told = told_of(group[0].drawn.decider.model, [one.context() for one, _ in later], options)
    except Exception as error:  # a preview is not worth an error
        log.error("the preview of %s failed with %s", group[0].draft.point.name, type(error).__name__)
        return []
    going = []
    for number, (one, places) in enumerate(later):
        best = int(np.argmax(told[eligible.starts[number] : eligible.starts[number + 1]]))
        if best:
            one.places.append(places[best - 1])
            going.append(one)
    return going

"""Whose visitors are known at the same moment are answered in one call of the models."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from serving.answers import Answered, answered
from serving.bundle import Bundle
from serving.placements import Placement
from serving.schemas import RecommendationRequest
from serving.together import Together
from serving.visitor import Visitor

_MOST_CHOSEN = 32
"""Answers that are chosen in one go: nothing else happens in the event loop meanwhile."""

_READING_SECONDS = 0.005
"""Choosing waits so long for reading; a database that hangs must not hold those of whom everything is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A request of which everything is known that an answer needs."""

    bundle: Bundle
    placement: Placement
    request: RecommendationRequest
    visitor: Visitor
    now: datetime
    stale: bool

    @property
    def kind(self) -> Hashable:
        """What it has in common with those that it can be answered with."""
        return id(self.bundle), self.placement.name, id(self.placement), self.stale, self.request.allow_fallback


class Answering:
    """Chooses in the event loop; for one event loop.

    Before it does, it waits for `read`: until nobody is read about, but no longer than so many seconds. A thread that
    reads asks for the interpreter at every row, and each time it waits as long as one that computes may keep it:
    sixteen visitors, who take 2 ms alone, took 14 to 19 beside a batch that is chosen (docs/serving.md).
    """

    def __init__(self, read: Callable[[float], Awaitable[None]]) -> None:
        self._read = read
        self._chosen: Together[Ready, Answered] = Together(_chosen, _MOST_CHOSEN, 1, self._breathe)

    async def choose(self, ready: Ready) -> Answered:
        """The answer to one request. Raises FilterError for a filter that cannot be used."""
        return await self._chosen.ask(ready)

    async def _breathe(self) -> None:
        await asyncio.sleep(0)  # between two batches the answers of the first leave, and new requests come in
        await self._read(_READING_SECONDS)


async def _chosen(asked: Sequence[Ready]) -> list[Answered | Exception]:
    return answers_to(asked)


def answers_to(asked: Sequence[Ready]) -> list[Answered | Exception]:
    """An answer for each, those of one kind together. What one of them brings to fail is its own error alone."""
    kinds: dict[Hashable, list[int]] = {}
    for place, one in enumerate(asked):
        kinds.setdefault(one.kind, []).append(place)
    found: dict[int, Answered | Exception] = {}
    for places in kinds.values():
        found |= zip(places, _of_one_kind([asked[place] for place in places]), strict=True)
    return [found[place] for place in range(len(asked))]


def _of_one_kind(asked: Sequence[Ready]) -> Sequence[Answered | Exception]:
    first, now = asked[0], max(one.now for one in asked)
    requests, visitors = [one.request for one in asked], [one.visitor for one in asked]
    try:
        return answered(first.bundle, first.placement, requests, visitors, now, first.stale)
    except Exception as error:  # whoever brought it to fail gets it; the others are asked again one by one
        if len(asked) == 1:
            return [error]
    return [answer for one in asked for answer in _of_one_kind([one])]

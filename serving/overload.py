"""How many requests a worker answers at once. Whoever would wait too long is told at once, and not after a timeout.

A worker computes on one core, so what is admitted beyond a few dozen requests only waits there, and everybody with it.
A short queue takes bursts up; when even the shortest wait has been too long for a while, the queue is standing, and
nobody waits in it any more until it is empty (Nichols and Jacobson, Controlling Queue Delay, 2012).
"""

import asyncio
import time
from collections import deque

from serving.problems import Refused

_WAIT_SECONDS = 0.1
_TOLERATED_SECONDS = 0.02
_INTERVAL_SECONDS = 0.2
_CROWDED = 0.125


class Overload:
    """Places for `most` requests at once; as many more may wait. For one event loop, so it takes no lock."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.in_flight = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._standing_since: float | None = None

    @property
    def crowded(self) -> bool:
        """Whether so many are answered at once that another worker would answer the next ones sooner."""
        return self.in_flight >= max(2, self.most * _CROWDED)

    async def enter(self) -> None:
        """Take a place; `leave` gives it back. Raises `Refused` (429) when there is none soon."""
        if self.in_flight >= self.most:
            await self._wait()
        else:
            self.in_flight += 1
            self._standing_since = None

    def leave(self) -> None:
        """Hand the place to who waits longest, or give it back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():  # else its request has just been given up
                turn.set_result(None)
                return
        self.in_flight -= 1

    async def _wait(self) -> None:
        if len(self._queue) >= self.most or self._standing(time.monotonic()):
            raise _refusal()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        started = time.monotonic()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await turn
        except BaseException as error:
            if not turn.cancelled():  # the place came in the same moment
                self.leave()
            elif turn in self._queue:
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise _refusal() from None
            raise
        finally:
            self._note(time.monotonic() - started)

    def _note(self, waited: float) -> None:
        if waited < _TOLERATED_SECONDS:
            self._standing_since = None
        elif self._standing_since is None:
            self._standing_since = time.monotonic()

    def _standing(self, now: float) -> bool:
        """Whether every wait was too long for a whole interval."""
        return self._standing_since is not None and now - self._standing_since > _INTERVAL_SECONDS and bool(self._queue)


def _refusal() -> Refused:
    return Refused("rate_limited", "The worker answers as many requests as it can; send again after Retry-After")

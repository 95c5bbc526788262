"""What arrives in one tick of the event loop is written together: one request to the writer, one wake-up afterwards.

Each hand-over to the thread that writes, and back, costs several times what the record itself does: locks, a future of
each kind and a byte through the loop's pipe. Nobody waits for a timer.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from features.log import Record

_FEW = 100
"""More records than this are handed over alone: a large batch must not take the others with it where it fails."""

_Waiting = list[tuple[Sequence[Record], "asyncio.Future[list[bool]]"]]


class Tick:
    """Hands records over to `submit`, as `Writer` and `GroupCommit` have it, from any number of event loops."""

    def __init__(self, submit: Callable[[Sequence[Record]], "Future[list[bool]]"]) -> None:
        self.submit = submit
        self._waiting: dict[asyncio.AbstractEventLoop, _Waiting] = {}

    async def written(self, records: Sequence[Record]) -> list[bool]:
        """Which of `records` were new, once they are on disk. Raises what `submit` or its future raise.

        Whoever is cancelled stops waiting, and takes nothing back.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[bool]] = loop.create_future()
        if len(records) > _FEW:
            self._hand_over(loop, [(records, done)])
        elif (waiting := self._waiting.get(loop)) is not None:
            waiting.append((records, done))
        else:
            self._waiting[loop] = [(records, done)]
            loop.call_soon(self._flush, loop)
        return await done

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._hand_over(loop, self._waiting.pop(loop))

    def _hand_over(self, loop: asyncio.AbstractEventLoop, waiting: _Waiting) -> None:
        try:
            committing = self.submit([record for records, _ in waiting for record in records])
        except Exception as error:  # too many wait: each of them is told
            for _, done in waiting:
                if not done.done():
                    done.set_exception(error)
            return
        committing.add_done_callback(partial(_wake, loop, waiting))


def _wake(loop: asyncio.AbstractEventLoop, waiting: _Waiting, committing: "Future[list[bool]]") -> None:
    with suppress(RuntimeError):  # the loop ended before its answers
        loop.call_soon_threadsafe(_tell, waiting, committing)


def _tell(waiting: _Waiting, committing: "Future[list[bool]]") -> None:
    error, start = committing.exception(), 0
    for records, done in waiting:
        end = start + len(records)
        if not done.done():  # else nobody waits any more
            if error is None:
                done.set_result(committing.result()[start:end])
            else:
                done.set_exception(error)
        start = end

"""Asked one by one, answered together: whatever comes in while earlier requests are answered is answered next, at once.

Nobody waits for a timer or for company. A single caller is alone in his batch; under load batches grow by themselves,
and what a batch costs (the turn of a thread, a statement) is shared by all who are in it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Calls `work` with at most `most` of what was asked, in at most `at_once` batches beside each other.

    `work` gives an answer for each, in their order; an exception among the answers is for that caller alone, one that
    it raises is for all of the batch. What is waited for `before` a batch lets others into it. For one event loop,
    so it takes no lock.

    >>> async def double(numbers: Sequence[int]) -> list[int]:
    ...     return [2 * number for number in numbers]
    >>> async def two() -> list[int]:
    ...     together = Together(double, most=8, at_once=1)
    ...     return await asyncio.gather(together.ask(1), together.ask(2))
    >>> asyncio.run(two())
    [2, 4]
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        most: int,
        at_once: int,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.work = work
        self.most = most
        self.at_once = at_once
        self.before = before
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._running: set[asyncio.Task[None] | None] = set()

    async def ask(self, one: Asked) -> Answer:
        """The answer to `one`. Who stops waiting is left out of a batch that has not begun."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((one, done))
        if len(self._running) < self.at_once:
            # A task begins in the next round of the loop: whoever asks in this one is in its first batch.
            self._running.add(loop.create_task(self._run()))
        return await done

    async def settled(self, seconds: float) -> None:
        """Until no batch is being worked on, but no longer than so."""
        running = [task for task in self._running if task is not None]
        if running:
            await asyncio.wait(running, timeout=seconds)

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self.before is not None:
                    await self.before()
                if batch := self._next():
                    await self._answer(batch)
        finally:  # not by a callback of the task, which runs a round later: whoever asks in between would wait for ever
            self._running.discard(asyncio.current_task())

    async def _answer(self, batch: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self.work([one for one, _ in batch])
        except Exception as error:
            answers = [error] * len(batch)
        for (_, done), answer in zip(batch, answers, strict=True):
            if done.done():
                continue
            if isinstance(answer, Exception):
                done.set_exception(answer)
            else:
                done.set_result(answer)

    def _next(self) -> list[tuple[Asked, asyncio.Future[Answer]]]:
        batch: list[tuple[Asked, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self.most:
            one = self._waiting.popleft()
            if not one[1].done():
                batch.append(one)
        return batch

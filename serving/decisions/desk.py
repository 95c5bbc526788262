"""One desk decides for a process: whatever is asked while it decides is decided together next, and never at once.

So no two decisions about one person are made beside each other, and many share one look at the stores and the policy.
Several processes may still meet at one person: then the log takes the first, and the others are decided anew.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from serving.decisions.decide import Made, decide, release
from serving.decisions.past import Past
from serving.decisions.question import Question
from serving.problems import Refused

if TYPE_CHECKING:
    from serving.resources import Resources

SITTING = 50
"""Questions that are decided together: more would keep the first waiting, and hold more of the budgets at once."""

_PATIENT = 10
"""Of these, so many at least are left to batches, however many visitors ask."""

_WAITING = 2_000
_WAITING_BATCHES = 20_000
_TRIES = 50
"""A question is overtaken once by each that other workers decide about the same person meanwhile, and hardly more often
than there are decision points; who is overtaken for ever has a clock or a log that is wrong."""

_HANGS_SECONDS = 4.0
"""A sitting takes some milliseconds; who waited for one so long was given up. Whoever comes then would wait in vain."""

_END_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Asking:
    """What one caller waits for: all the answers, or one error. `seen` are the previews that it got already."""

    resources: "Resources"
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[list[Made]]"
    preview: bool
    made: list[Made | None]
    left: int
    seen: defaultdict[str, list[Past]] = field(default_factory=lambda: defaultdict(list))


@dataclass(eq=False)
class _Item:
    question: Question
    asking: _Asking
    place: int
    tries: int = 0


class Desk:
    """The one that decides in a process; its thread ends with `close`."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._visitors: deque[_Item] = deque()
        self._batches: deque[_Item] = deque()
        self._open: defaultdict[str, list[Past]] = defaultdict(list)
        self._followers: dict[str, list[_Item]] = {}
        self._closed = False
        self._since: float | None = None
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self._thread.start()

    async def decided(
        self, resources: "Resources", questions: Sequence[Question], preview: bool = False, patient: bool = False
    ) -> list[Made]:
        """A decision for each question, in their order, committed unless it is a `preview`.

        A caller who goes away takes nothing back. Those who are `patient` wait behind the others. Raises `queue.Full`
        when too many wait, `Refused` (`storage_unavailable`) at once where the database hangs and who asks is not
        patient, and whatever the database says.
        """
        if not patient and self.sits_for() > _HANGS_SECONDS:
            raise Refused(
                "storage_unavailable", "Decisions wait for a database or a disk that hangs; nothing was decided"
            )
        loop = asyncio.get_running_loop()
        asking = _Asking(resources, loop, loop.create_future(), preview, [None] * len(questions), len(questions))
        if not questions:
            return []
        items = [_Item(question, asking, place) for place, question in enumerate(questions)]
        waiting, most = (self._batches, _WAITING_BATCHES) if patient else (self._visitors, _WAITING)
        with self._condition:
            if self._closed:
                raise RuntimeError("nothing is decided any more; the service is about to end")
            if len(waiting) + len(items) > most:
                raise queue.Full
            waiting.extend(items)
            self._condition.notify()
        return await asking.done

    def waiting(self) -> int:
        """Questions that are not decided yet, for the metrics."""
        return len(self._visitors) + len(self._batches)

    def sits_for(self) -> float:
        """How many seconds the sitting has lasted that goes on now; 0 when there is none."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Decide what waits, and end the thread. A sitting that hangs keeps no service from its end."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        while self._thread.is_alive():
            if self.sits_for() > _END_SECONDS:
                log.warning("a database or a disk hangs; %d questions are not decided any more", self.waiting())
                return
            self._thread.join(0.1)

    def _run(self) -> None:
        while some := self._next():
            self._since = time.monotonic()
            self._sit(some)
            self._since = None

    def _next(self) -> list[_Item]:
        """What is decided together now; empty when nothing will come any more."""
        with self._condition:
            while not (self._visitors or self._batches or self._closed):
                self._condition.wait()
            kept = min(_PATIENT, len(self._batches))
            some = [self._visitors.popleft() for _ in range(min(SITTING - kept, len(self._visitors)))]
            return some + [self._batches.popleft() for _ in range(min(SITTING - len(some), len(self._batches)))]

    def _sit(self, some: Sequence[_Item]) -> None:
        resources = some[0].asking.resources
        try:
            made = decide(resources, [item.question for item in some], _Beside(some, self._open))
            logged = _logged(resources, some, made)
        except Exception as error:  # whatever it was goes to who asked; the others must not suffer from it
            if len(some) == 1:
                self._deliver([(some[0], error)])
            else:
                for item in some:
                    self._sit([item])
            return
        ready: list[tuple[_Item, Made | Exception]] = []
        fresh: list[tuple[_Item, Made]] = []
        with self._condition:
            for item, one in zip(some, made, strict=True):
                key = one.record.key
                if item.asking.preview:
                    ready.append((item, one))
                elif key in logged:
                    ready.append((item, logged[key]))
                elif not one.standing:
                    self._followers[key] = []
                    self._open[one.decided.customer_id].append(Past.of(one.record))
                    fresh.append((item, one))
                elif key in self._followers:  # it is on its way to the disk, and not to be told before it is there
                    self._followers[key].append(item)
                else:
                    ready.append((item, one))
        self._deliver(ready)
        if fresh:
            try:
                committing = resources.decisions.submit([one.record for _, one in fresh])
            except Exception as error:  # too many wait
                self._fail(fresh, error)
                return
            committing.add_done_callback(partial(self._committed, fresh))

    def _committed(self, fresh: Sequence[tuple[_Item, Made]], committing: "Future[list[bool]]") -> None:
        error = committing.exception()
        if error is not None:
            self._fail(fresh, error)
            return
        ready: list[tuple[_Item, Made | BaseException]] = []
        again: list[_Item] = []
        for (item, one), is_new in zip(fresh, committing.result(), strict=True):
            again += self._forget(one)
            if is_new:
                ready.append((item, one))
                continue
            release(item.asking.resources.bank.budgets, [one])
            item.tries += 1
            again.append(item)
        lost = RuntimeError(
            f"a decision was overtaken {_TRIES} times; is the clock or the log of another worker wrong?"
        )
        self._deliver([*ready, *((item, lost) for item in again if item.tries >= _TRIES)])
        with self._condition:
            self._visitors.extendleft(item for item in reversed(again) if item.tries < _TRIES)
            self._condition.notify()

    def _fail(self, fresh: Sequence[tuple[_Item, Made]], error: BaseException) -> None:
        """Nothing was written: neither those who asked nor who waited for the same get an answer."""
        for item, one in fresh:
            release(item.asking.resources.bank.budgets, [one])
            self._deliver([(other, error) for other in (item, *self._forget(one))])

    def _forget(self, one: Made) -> list[_Item]:
        """A decision is on its way no more; who waited for it."""
        customer = one.decided.customer_id
        with self._condition:
            left = [past for past in self._open[customer] if past.decision_id != one.record.key]
            if left:
                self._open[customer] = left
            else:
                del self._open[customer]
            return self._followers.pop(one.record.key)

    def _deliver(self, results: Sequence[tuple[_Item, Made | BaseException]]) -> None:
        """Tell what became of questions, each caller once it is all of theirs."""
        finished: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Asking, BaseException | None]]] = defaultdict(list)
        with self._condition:
            for item, result in results:
                asking = item.asking
                asking.left -= 1
                if isinstance(result, BaseException):
                    finished[asking.loop].append((asking, result))
                    continue
                asking.made[item.place] = result
                if asking.left == 0:
                    finished[asking.loop].append((asking, None))
        for loop, askings in finished.items():
            with suppress(RuntimeError):  # the loop ended before its answers
                loop.call_soon_threadsafe(_finish, askings)


def _logged(resources: "Resources", some: Sequence[_Item], made: Sequence[Made]) -> dict[str, Made]:
    """Of what was refused before, the decisions of the same key that are in the log all the same: made by a clock ahead
    of ours, or in a replay."""
    found: dict[str, Made] = {}
    for item, one in zip(some, made, strict=True):
        if item.tries and not one.standing and (record := resources.decisions.log.find(one.record.key)) is not None:
            release(resources.bank.budgets, [one])
            found[record.key] = Made(record, Past.of(record).decided(), True)
    return found


@dataclass(frozen=True)
class _Beside:
    """What was decided and is not in the log yet, as the items of one sitting see it: what is on its way there, what
    came before in the sitting, and of a preview what its caller saw before."""

    items: Sequence[_Item]
    on_its_way: defaultdict[str, list[Past]]
    here: defaultdict[str, list[Past]] = field(default_factory=lambda: defaultdict(list))

    def of(self, place: int, customer_id: str) -> list[Past]:
        asking = self.items[place].asking
        own = asking.seen.get(customer_id, []) if asking.preview else []
        return [*self.on_its_way.get(customer_id, []), *self.here.get(customer_id, []), *own]

    def add(self, place: int, customer_id: str, one: Past) -> None:
        asking = self.items[place].asking
        (asking.seen if asking.preview else self.here)[customer_id].append(one)


def _finish(askings: Sequence[tuple[_Asking, BaseException | None]]) -> None:
    for asking, error in askings:
        made = [one for one in asking.made if one is not None]
        if asking.preview:
            release(asking.resources.bank.budgets, made)
        if asking.done.done():  # nobody waits any more, or another of its questions failed before
            continue
        if error is not None:
            asking.done.set_exception(error)
        else:
            asking.done.set_result(made)

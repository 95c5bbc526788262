"""A circuit breaker for each dependency: once it fails nobody waits for it any more, until one who asks finds it well.

Nygard, Release It! (2nd ed. 2018), chapter 5. Closed: everybody asks. Open: nobody asks for `rest_seconds`. Half open:
one asks, and what becomes of that closes the breaker or opens it again.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

_LOST_SECONDS = 60.0
"""Whoever was let in to ask and has said nothing for so long will not."""

State = Literal["closed", "open", "half_open"]
T = TypeVar("T")


class Unavailable(Exception):
    """A dependency was not asked, or did not answer in time."""


class Breaker:
    """Opens after so many `failures` in a row; safe from any thread.

    Whoever was admitted says what became of it, or gives the turn back: with `succeeded`, `failed` or `abandoned`.

    >>> now = [0.0]
    >>> breaker = Breaker("store", failures=2, rest_seconds=1.0, clock=lambda: now[0])
    >>> breaker.failed(), breaker.failed()
    (None, None)
    >>> breaker.state, breaker.admits()
    ('open', False)
    >>> now[0] = 1.5
    >>> breaker.admits(), breaker.admits(), breaker.state
    (True, False, 'half_open')
    >>> breaker.succeeded()
    >>> breaker.state
    'closed'
    """

    def __init__(
        self, name: str, failures: int = 3, rest_seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if failures < 1:
            raise ValueError(f"a breaker that opens after {failures} failures never closes; give 1 or more")
        self.name = name
        self.rest_seconds = rest_seconds
        self._most = failures
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None
        self._asking = False
        self._asked = 0.0

    @property
    def state(self) -> State:
        """Where it stands."""
        if self._opened is None:
            return "closed"
        return "half_open" if self._asking else "open"

    def admits(self) -> bool:
        """Whether to ask the dependency now. Costs nothing while it is closed."""
        if self._opened is None:
            return True
        with self._lock:
            return self._admits()

    def _admits(self) -> bool:
        opened = self._opened
        if opened is None:
            return True
        now = self._clock()
        if now - opened < self.rest_seconds or (self._asking and now - self._asked < _LOST_SECONDS):
            return False
        self._asking, self._asked = True, now
        return True

    def succeeded(self) -> None:
        """It answered."""
        if self._failed or self._opened is not None:
            with self._lock:
                self._failed, self._opened, self._asking = 0, None, False

    def failed(self) -> None:
        """It did not answer, or not in time."""
        with self._lock:
            self._failed += 1
            if self._opened is not None or self._failed >= self._most:
                self._opened, self._asking = self._clock(), False

    def abandoned(self) -> None:
        """Whoever asked went away before anything was known: the next one may ask."""
        with self._lock:
            self._asking = False

    async def ask(
        self, question: Callable[[], Awaitable[T]], seconds: float, outage: Callable[[BaseException], bool]
    ) -> T:
        """The answer to `question` within so many seconds; what is an `outage` among its errors tells this of it.

        Raises `Unavailable`, at once while the breaker is open, and the errors that are no outage.
        """
        if not self.admits():
            raise Unavailable(self.name)
        try:
            async with asyncio.timeout(seconds):
                answer = await question()
        except TimeoutError:
            self.failed()
            raise Unavailable(self.name) from None
        except Exception as error:
            if not outage(error):
                self.abandoned()
                raise
            self.failed()
            raise Unavailable(self.name) from error
        except BaseException:
            self.abandoned()
            raise
        self.succeeded()
        return answer

"""A thread that looks for what is new, again and again; whatever a look raises, what was live stays live."""

import logging
import threading
from collections.abc import Callable

from serving.measures import Counter

_LEAVE_SECONDS = 10.0

log = logging.getLogger(__name__)


class Follower:
    """Calls `look` at once and then every `seconds`, in a thread called `name`, until it is closed.

    A look that raises is counted in `failures`; the first in a row is logged. With `at_last` it is called once more
    when it is closed.
    """

    def __init__(
        self, name: str, look: Callable[[], None], seconds: float, failures: Counter, at_last: bool = False
    ) -> None:
        self.look = look
        self.seconds = seconds
        self.failures = failures
        self.at_last = at_last
        self.looked = False
        """Whether the first look is over, however it ended."""

        self.failing = False
        """Whether the latest look raised."""

        self._first = threading.Event()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def wake(self) -> None:
        """Look now, as somebody knows that something changed."""
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Until the first look is over, but no longer than so."""
        self._first.wait(seconds)

    def close(self) -> None:
        """End the thread; one that hangs in its look is left behind, as it must not hold the process."""
        self._closed = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        while not self._closed:
            self._try()
            self._wake.wait(self.seconds)
            self._wake.clear()
        if self.at_last:
            self._try()

    def _try(self) -> None:
        try:
            self.look()
            if self.failing:
                log.info("everything can be read again")
            self.failing = False
        except Exception as error:
            self.failures.add()
            if not self.failing:
                log.exception("looking for what is new failed with %s; what was live stays", type(error).__name__)
            self.failing = True
        self.looked = True
        self._first.set()

"""When a call is tried again, and how long to wait before."""

from dataclasses import dataclass

from serving.calling.errors import KairosError


@dataclass(frozen=True)
class Retries:
    """When and how often to try again what may pass: no answer, a 409 of a call that still runs, a 429, any 5xx.

    The pause doubles and is drawn from 0 up to it ("full jitter"), so that callers who failed together do not come back
    together. What `Retry-After` asks for comes on top of it; where that is more than `most_seconds` the error is
    raised at once, with the time in its `retry_after`. A page of the shop wants `Retries(attempts=1)`.
    """

    attempts: int = 4
    first_seconds: float = 0.2
    most_seconds: float = 20.0

    def pause(self, attempt: int, error: KairosError, chance: float) -> float | None:
        """Seconds until the next attempt after the `attempt`-th, from 1; None to give up. `chance` is from [0, 1).

        >>> from serving.calling.errors import Unreachable
        >>> Retries(first_seconds=1).pause(2, Unreachable("gone"), 0.5)
        1.0
        """
        asked = error.retry_after or 0.0
        if not error.passing or attempt >= self.attempts or asked > self.most_seconds:
            return None
        return asked + chance * min(self.most_seconds, self.first_seconds * 2.0 ** (attempt - 1))

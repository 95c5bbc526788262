"""Moving aliases of models one process at a time, and hearing of it when another may have come between."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol


class Turn(Protocol):
    """The right to move the aliases of a model."""

    def check(self) -> None:
        """Raises when it may be another's by now."""


Moving = Callable[[str], AbstractContextManager[Turn | None]]


def nobody_else(_model: str) -> AbstractContextManager[None]:
    """Where one process moves aliases."""
    return nullcontext()


class Turns:
    """Those that this process has, by the model; `moving` takes one."""

    def __init__(self, moving: Moving) -> None:
        self._moving = moving
        self._taken: dict[str, Turn | None] = {}

    @contextmanager
    def take(self, name: str) -> Iterator[None]:
        """Nobody else moves an alias of this model meanwhile."""
        with self._moving(name) as turn:
            self._taken[name] = turn
            try:
                yield
            finally:
                self._taken.pop(name, None)

    def check(self, name: str) -> None:
        """Raises when a turn that was taken may be another's by now; where none was taken, nobody else is there."""
        if (turn := self._taken.get(name)) is not None:
            turn.check()

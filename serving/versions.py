"""Which version of a registered model is to be live: the one that carries the alias, unless it was refused."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from models.published import CHAMPION, Published, Version
from models.registry import Registry

R = TypeVar("R")
M = TypeVar("M")
_AGAIN_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """A version that carries the alias and does not go live, why, and since when."""

    name: str
    number: str
    reason: str
    since: datetime


class Versions(Generic[R, M]):
    """The champion of the model `name`. The one before stays in memory, so that a rollback takes no loading.

    A version that failed its probe is not tried again until the alias moves; one that cannot be loaded is, but not at
    every look, as its files may be on their way.
    """

    def __init__(self, registry: Registry, name: str, clock: Callable[[], datetime]) -> None:
        self.registry = registry
        self.name = name
        self.clock = clock
        self.live: Published[R, M] | None = None
        self.previous: Published[R, M] | None = None
        self.refusal: Refusal | None = None
        self._again: float | None = None

    def candidate(self) -> Published[R, M] | None:
        """The version that is to go live now; None when the one that is live is to stay.

        Raises what the registry raises, and what stands in the way of loading a version.
        """
        version = self.registry.alias(self.name, CHAMPION)
        if self.refusal and (version is None or version.number != self.refusal.number):
            self.refusal = None
        live = self.live.version.number if self.live else None
        if version is None or version.number == live or not self._to_be_tried():
            return None
        if self.previous and self.previous.version.number == version.number:
            return self.previous
        try:
            return self.registry.load(version)
        except Exception as error:
            self._refuse(version, f"it cannot be loaded ({type(error).__name__}); the service's log holds more")
            self._again = time.monotonic() + _AGAIN_SECONDS
            raise

    def refuse(self, published: Published[R, M], error: Exception) -> None:
        """This one failed its probe."""
        ours = isinstance(error, ValueError)
        self._refuse(published.version, str(error) if ours else f"its probe failed ({type(error).__name__})")
        self._again = None

    def swap(self, published: Published[R, M]) -> None:
        """This one is live from now on."""
        self.previous, self.live = self.live, published
        self.refusal = None

    def _to_be_tried(self) -> bool:
        return self.refusal is None or (self._again is not None and time.monotonic() >= self._again)

    def _refuse(self, version: Version, reason: str) -> None:
        if self.refusal is None or self.refusal.reason != reason:
            self.refusal = Refusal(version.name, version.number, reason, self.clock())
            log.error("%s %s is refused: %s", version.name, version.number, reason)

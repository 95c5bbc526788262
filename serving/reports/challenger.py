"""The challenger of the recommender, loaded when somebody wants to see it beside the champion, and let go soon after.

At most one version is held, so a look costs the memory of one model for some minutes, and nobody who is answered waits.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.published import CHALLENGER, PublishedRecommender, Version
from models.registry import Registry
from serving.bundle import Bundle
from serving.champion import MODEL

KEPT_SECONDS = 300.0
"""How long a version stays after the last look at it."""

log = logging.getLogger(__name__)

Assemble = Callable[[PublishedRecommender], Bundle]


@dataclass(frozen=True)
class Beside:
    """What there is beside the champion; a bundle only where it is `ready`."""

    side: Literal["ready", "none", "same", "loading", "failed"]
    bundle: Bundle | None = None


class Challenger:
    """Loads the version that carries the alias `challenger`, in a thread of its own; `assemble` makes its bundle."""

    def __init__(self, registry: Registry, assemble: Assemble, kept_seconds: float = KEPT_SECONDS) -> None:
        self.registry = registry
        self.assemble = assemble
        self.kept_seconds = kept_seconds
        self._changed = threading.Condition()
        self._held: tuple[str, Bundle] | None = None
        self._loading: str | None = None
        self._failed: str | None = None
        self._timer: threading.Timer | None = None

    def beside(self, champion: str, patience: float) -> Beside:
        """The challenger of the version `champion`; waits up to `patience` seconds for it to be loaded.

        Blocks, so not from the event loop. Raises what the registry raises when it cannot be asked.
        """
        version = self.registry.alias(MODEL, CHALLENGER)
        if version is None:
            return Beside("none")
        if version.number == champion:
            return Beside("same")
        with self._changed:
            if self._held is not None and self._held[0] != version.number:
                self._held = None
            if self._held is None and self._loading is None and self._failed != version.number:
                self._loading = version.number
                threading.Thread(target=self._load, args=(version,), name="challenger", daemon=True).start()
            self._changed.wait_for(lambda: self._loading is None, patience)
            if self._held is not None and self._held[0] == version.number:
                self._keep()
                return Beside("ready", self._held[1])
            return Beside("failed" if self._failed == version.number else "loading")

    def close(self) -> None:
        """Let go of whatever is held."""
        with self._changed:
            if self._timer is not None:
                self._timer.cancel()
            self._held = self._timer = None

    def _load(self, version: Version) -> None:
        bundle: Bundle | None = None
        try:
            bundle = self.assemble(self.registry.load(version))
        except Exception:
            log.exception("%s %s cannot be shown beside the champion", version.name, version.number)
        with self._changed:
            self._loading = None
            self._failed = version.number if bundle is None else None
            self._held = None if bundle is None else (version.number, bundle)
            self._keep()
            self._changed.notify_all()

    def _keep(self) -> None:
        """From this look on, for some minutes. The caller holds the lock."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self.kept_seconds, self._let_go)
        self._timer.daemon = True
        self._timer.start()

    def _let_go(self) -> None:
        """A version that failed may be tried again, too: its files may be there by then."""
        with self._changed:
            self._held = self._failed = None

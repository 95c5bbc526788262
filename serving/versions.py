"""Which version of a registered model is to be live: the one that carries the alias, unless it failed its probe."""

from typing import Generic, TypeVar

from models.registry import CHAMPION, Published, Registry

R = TypeVar("R")
M = TypeVar("M")


class Versions(Generic[R, M]):
    """The champion of the model `name`. The one before stays in memory, so that a rollback takes no loading.

    A version that was refused is not tried again until the alias moves.
    """

    def __init__(self, registry: Registry, name: str) -> None:
        self.registry = registry
        self.name = name
        self.live: Published[R, M] | None = None
        self.previous: Published[R, M] | None = None
        self.refused: str | None = None

    def candidate(self) -> Published[R, M] | None:
        """The version that is to go live now; None when the one that is live is to stay."""
        version = self.registry.alias(self.name, CHAMPION)
        if version is not None and version.number != self.refused:
            self.refused = None
        live = self.live.version.number if self.live else None
        if version is None or version.number in (self.refused, live):
            return None
        if self.previous and self.previous.version.number == version.number:
            return self.previous
        return self.registry.load(version)

    def refuse(self, published: Published[R, M]) -> None:
        """This one failed."""
        self.refused = published.version.number

    def swap(self, published: Published[R, M]) -> None:
        """This one is live from now on."""
        self.previous, self.live = self.live, published

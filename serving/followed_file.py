"""A configuration file in TOML that changes a default, and that the running service follows."""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class FollowedFile(Generic[T]):
    """What is configured now: what `parse` reads in the file; without a `path` the `default`."""

    def __init__(self, path: Path | None, default: T, parse: Callable[[Path], T]) -> None:
        self.path = path
        self.default = default
        self.parse = parse
        self._seen: tuple[int, int] | None = None

    def changed(self) -> bool:
        """Whether the file is another one than `read` saw last, also when what it saw was refused."""
        return self.path is not None and self._seen != _mark(self.path)

    def read(self) -> T:
        """What the file says. Raises what `parse` raises."""
        if self.path is None:
            return self.default
        self._seen = _mark(self.path)
        return self.parse(self.path)


def tables_of(path: Path, setting: str) -> dict[str, Any]:
    """What stands in a TOML file that the environment variable `setting` names.

    Raises ValueError when it is not TOML, FileNotFoundError when it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        told = f"{path} cannot be read ({error.strerror}); write it, or unset {setting} for the default"
        raise FileNotFoundError(told) from None


def _mark(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return None

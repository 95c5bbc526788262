"""Checkpoints of a training: one npz an epoch, there whole or not at all, in a folder that outlives the process."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

_KEPT = 2


@dataclass(frozen=True)
class Checkpoints:
    """Those of one training in `folder`, which all workers see; one of them writes.

    When `save` has returned, a crash of the process does not take the epoch away. Who gives a folder to a training that
    differs in anything gets the other one's weights: name it after all that the training depends on.
    """

    folder: Path

    def newest(self) -> int:
        """How many epochs the newest one has behind it; 0 without one."""
        return max((int(path.stem.removeprefix("epoch-")) for path in self.folder.glob("epoch-*.npz")), default=0)

    def load(self, epochs: int) -> dict[str, NDArray[Any]]:
        """What was saved after so many epochs. Raises FileNotFoundError when nothing was."""
        with np.load(self._path(epochs)) as saved:
            return dict(saved)

    def save(self, epochs: int, arrays: Arrays) -> None:
        """Keep `arrays` as what is known after `epochs`, and the one before it; older ones go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(epochs)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        for old in sorted(self.folder.glob("epoch-*.npz"))[:-_KEPT]:
            old.unlink(missing_ok=True)

    def _path(self, epochs: int) -> Path:
        return self.folder / f"epoch-{epochs:06d}.npz"

"""A checkpoint is there whole or not at all, and the newest is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.recommenders.transformer_checkpoint import Checkpoints


def test_the_newest_is_found_and_the_oldest_go(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "not there yet")
    assert checkpoints.newest() == 0
    for epochs in (1, 2, 9, 10):
        checkpoints.save(epochs, {"weights": np.full(3, epochs)})
    assert checkpoints.newest() == 10
    assert checkpoints.load(10)["weights"].tolist() == [10, 10, 10]
    assert checkpoints.load(9)["weights"].tolist() == [9, 9, 9]
    with pytest.raises(FileNotFoundError):
        checkpoints.load(2)


def test_a_crash_while_writing_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"weights": np.zeros(2)})
    original = np.savez

    def half(file: Any, **arrays: Any) -> None:
        original(file, **arrays)
        file.truncate(40)
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save(2, {"weights": np.ones(2)})
    assert checkpoints.newest() == 1
    assert checkpoints.load(1)["weights"].tolist() == [0, 0]

"""What is compiled is kept for the next process, and a disk without room costs nobody an answer."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.compiled import fetch_ahead

ROOT = Path(__file__).parents[2]
ASKED = """
import numpy as np
from models.recommenders.sparse_rows import SparseRows, _combined
rows = SparseRows(np.array([0, 2]), np.array([0, 1], np.int32), np.array([1, 2], np.float32))
print(rows.combine(np.array([0]), np.array([2.0]), 3).tolist(), sum(_combined.stats.cache_hits.values()))
"""


def asked(folder: Path) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_next_process_does_not_compile_again(tmp_path: Path) -> None:
    assert asked(tmp_path) == "[2.0, 4.0, 0.0] 0"
    assert asked(tmp_path) == "[2.0, 4.0, 0.0] 1"


def test_what_cannot_be_kept_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core.caching import IndexDataCacheFile

    from models.compiled import compiled

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", full)
    assert compiled(_twice)(2) == 4


def _twice(number: int) -> int:
    return 2 * number


def test_what_is_asked_for_ahead_is_not_read() -> None:
    import numpy as np

    from models.compiled import compiled

    found = np.array([3.0, 4.0])
    assert compiled(_sum_ahead)(found, 10**12) == 7.0


def _sum_ahead(values: Any, ahead: int) -> float:
    found = 0.0
    for place in range(len(values)):
        fetch_ahead(values, place + ahead)
        found += values[place]
    return found

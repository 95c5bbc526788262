"""What is compiled is kept for the next process, and a disk without room costs nobody an answer."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

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

    for step in ("_save_data", "_save_index"):
        with monkeypatch.context() as patched:
            patched.setattr(IndexDataCacheFile, step, full)
            assert compiled(_twice)(2) == 4


def test_two_that_compile_at_once_for_other_numbers_leave_each_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither has seen what the other tells, and who began first is the last to write."""
    from numba.core import config
    from numba.core.caching import IndexDataCacheFile

    from models.compiled import compiled

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    save_data, late = IndexDataCacheFile._save_data, list[Callable[[], None]]()
    with monkeypatch.context() as patched:
        patched.setattr(IndexDataCacheFile, "_load_index", lambda _: {})
        patched.setattr(IndexDataCacheFile, "_save_data", lambda *given: late.append(partial(save_data, *given)))
        assert compiled(_twice)(2) == 4
        patched.setattr(IndexDataCacheFile, "_save_data", save_data)
        assert compiled(_twice)(2.5) == 5.0
    late[0]()
    assert (compiled(_twice)(2.5), compiled(_twice)(2)) == (5.0, 4)


def test_code_of_before_a_change_is_not_run_while_that_of_after_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import config
    from numba.core.caching import IndexDataCacheFile

    from models.compiled import compiled

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    source = tmp_path / "loop.py"

    def loop(text: str) -> Any:
        source.write_text(text)
        space: dict[str, Any] = {"__name__": "loop"}
        exec(compile(text, source, "exec"), space)
        return compiled(space["loop"])

    assert loop("def loop(number):\n    return 2 * number\n")(2) == 4
    newer, again = (loop("def loop(number):\n    number = number\n    return 3 * number\n") for _ in range(2))
    save_data, seen = IndexDataCacheFile._save_data, list[int]()

    def save(*given: Any) -> None:
        if not seen:
            seen.append(0)
            seen.append(again(2))
        save_data(*given)

    monkeypatch.setattr(IndexDataCacheFile, "_save_data", save)
    assert newer(2) == 6
    assert seen[1] == 6


def _twice(number: float) -> float:
    return 2 * number

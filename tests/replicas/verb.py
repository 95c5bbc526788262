"""A verb as a process of its own, over the stores of a shop."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.settings import Settings

ROOT = Path(__file__).parents[2]


@contextmanager
def verb(settings: Settings, log: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m pipelines …`, what it says going to `log`; killed at the end if it still runs."""
    told: dict[str, Any] = settings.model_dump(exclude_none=True)
    own = {f"KAIROS_{name.upper()}": str(value) for name, value in told.items()}
    with log.open("w") as output:
        line = [sys.executable, "-m", "pipelines", *words]
        process = subprocess.Popen(line, cwd=ROOT, env={**os.environ, **own}, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

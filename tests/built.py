"""What is built once for all processes that run tests beside each other, and changed by none of them."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The folder that `build` makes: whoever asks first builds it, the others wait for that.

    Each of xdist's workers has its temporary folder in that of the run, so the folder above is of this run alone.
    """
    own = factory.getbasetemp()
    place = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, finished = place / name, place / f"{name}.finished"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            rmtree(folder, ignore_errors=True)  # of one that failed half-way
            build(folder)
            finished.touch()
    return folder

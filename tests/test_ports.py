"""A port that one process of tests was given is nobody else's until that process ends."""

import os
import subprocess
import sys
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
FREE = 100_000 + os.getpid()
"""No port, so that nobody is ever given it: of this process alone, as others may run the same test beside it."""


def asked(code: str) -> str:
    """What another process says."""
    line = [sys.executable, "-c", f"from tests.ports import _ours; print({code})"]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_no_port_is_given_twice_here_or_to_another_process() -> None:
    mine = [free_port() for _ in range(50)]
    assert len(set(mine)) == len(mine)
    assert asked(f"any(map(_ours, {mine})), _ours({FREE})") == "False True"


def test_what_a_process_was_given_is_free_when_it_ended() -> None:
    assert [asked(f"_ours({FREE})") for _ in range(2)] == ["True", "True"]

"""The blocks of code on the pages about clients. Each has a name behind its language, by which a test runs it."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/clients"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = "https://kairos.shop.example"
"""Where the service is on the pages; tests put the running one in its place."""


@dataclass(frozen=True)
class Block:
    """One block of code: where it stands, what it is in, what it is called, and what it says."""

    page: str
    language: str
    name: str | None
    text: str


def blocks() -> list[Block]:
    """All of them."""
    return [
        Block(page.name, language, name or None, text)
        for page in sorted(FOLDER.glob("*.md"))
        for language, name, text in _BLOCK.findall(page.read_text())
    ]


def snippet(page: str, name: str) -> str:
    """What the block of this name on this page says."""
    (found,) = [block.text for block in blocks() if (block.page, block.name) == (page, name)]
    return found


def run_python(code: str, folder: Path, **environment: Any) -> "subprocess.CompletedProcess[str]":
    """Run what a reader would have put into a file, as a program of its own, in `folder`."""
    script = folder / "snippet.py"
    script.write_text(code)
    told = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}}
    command = [sys.executable, "-W", "error", str(script)]
    return subprocess.run(
        command, cwd=folder, env=told, capture_output=True, text=True, timeout=3 * PATIENCE, check=False
    )

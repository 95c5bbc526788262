"""Which browser the tests open the console in: the one that `CHROMIUM` names, else whichever is installed."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For containers, which have no user namespaces and no GPU; and so that the browser asks no host on its own."""

LOUD = "NO BROWSER: the console was not opened in one. `make browser` gets one, CHROMIUM=/path names another"


def executable() -> Path | None:
    """Where it is; None where there is none. Raises FileNotFoundError where `CHROMIUM` names a file that is missing."""
    if named := os.environ.get("CHROMIUM"):
        if not Path(named).is_file():
            raise FileNotFoundError(f"CHROMIUM names {named}, which does not exist")
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    own = sorted(_playwrights().glob("chromium-*/chrome-linux*/chrome"))
    return own[-1] if own else None


def _playwrights() -> Path:
    """The folder that Playwright downloads into."""
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")

"""`make browser`: a browser for the tests of the console, Playwright's own or Debian's; nothing where one is there."""

import os
import shutil
import subprocess
import sys

from tests.browser.find import executable

_SECONDS = 300


def main() -> int:
    """Find one or get one; the exit status says whether there is one now."""
    if (found := executable()) is not None:
        print(f"The tests of the console use {found}")
        return 0
    tried = [_run([sys.executable, "-m", "playwright", "install", "chromium"])]
    if executable() is None and shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        tried.append(_run([*root, "apt-get", "update", "-qq"]))
        tried.append(_run([*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]))
    if (found := executable()) is not None:
        print(f"The tests of the console use {found}")
        return 0
    print(f"No browser: {'; '.join(filter(None, tried))}.", file=sys.stderr)
    print("Install Chromium and name it: CHROMIUM=/path/to/chromium make test", file=sys.stderr)
    return 1


def _run(command: list[str]) -> str:
    """What went wrong; empty when nothing did."""
    told = " ".join(command)
    try:
        done = subprocess.run(command, timeout=_SECONDS, capture_output=True, text=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"`{told}` failed with {type(error).__name__}"
    return f"`{told}` ended with {done.returncode}: {done.stderr.strip()[-200:]}" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())

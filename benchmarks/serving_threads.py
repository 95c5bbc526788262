"""Where the CPU of a recommendation goes in a service that runs: by the clocks of its threads, under 32 callers.

    python -m benchmarks.serving_threads FOLDER     # the shop of benchmarks/serving.py

`serving_budget.py` measures the stages alone; this has what lies around them, and what threads cost each other. Writes
the table into `docs/serving.md`.
"""

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import serving, serving_world
from benchmarks.claim import ROOT, machine, replace_section
from benchmarks.clocked_service import CLOCKS
from benchmarks.load import closed, started
from features.database import open_database
from pipelines.settings import Settings
from serving.access.key_table import KeyTable

PAGE = ROOT.parent / "docs/serving.md"
_CANDIDATES = 50
_KINDS = {
    "MainThread": "the event loop: sockets, door, lane, choosing, JSON",
    "database": "reading visitors: log and identities",
    "feature-store": "reading visitors: rows of the feature store",
    "group-commit-decision": "commits of what was shown",
    "projector": "the projector",
}
_WRITTEN = 1.2
"""Seconds after which the service has surely written what it spent; a look waits for them, in which nobody asks."""

_OTHERS = "followers of models, keys, limits, catalogue, jobs; deadlines and metrics"


def main(
    folder: Annotated[Path, typer.Argument(help="where the shop is, or is to be built")],
    seconds: Annotated[float, typer.Option(help="of load, and of rest")] = 8.0,
) -> None:
    """Serve, load, print, write."""
    folder = folder.resolve()
    serving_world.build(folder, Settings())
    keys = KeyTable(open_database(serving_world.settings_of(folder).database_url))
    secret = keys.create("sk", "benchmark", datetime.now(UTC)).secret
    asked, clocks = serving.bodies(folder, secret), folder / "clocks"
    shutil.rmtree(clocks, ignore_errors=True)
    clocks.mkdir()
    environment = {**serving.served(folder, 1), CLOCKS: str(clocks)}
    with started("benchmarks.clocked_service:Kairos", environment, folder / "clocked.log", "/livez") as service:
        serving.live(service, secret, folder, _CANDIDATES)
        closed(service, asked, serving.CALLERS, 3)
        before = _read(clocks)
        load = closed(service, asked, serving.CALLERS, seconds)
        after = _read(clocks)
        time.sleep(seconds - _WRITTEN)
        rested = _read(clocks)
    resting = {kind: rest / seconds for kind, rest in _kinds(after, rested).items()}
    spent = {kind: both - resting[kind] * _WRITTEN for kind, both in _kinds(before, after).items()}
    count = len(load.milliseconds)
    lines = ["| thread | us a request | ms a second while nobody asks |", "|---|---:|---:|"]
    lines += [f"| {kind} | {spent[kind] / count * 1e6:,.0f} | {resting[kind] * 1e3:.1f} |" for kind in spent]
    lines += [f"| sum | {sum(spent.values()) / count * 1e6:,.0f} | {sum(resting.values()) * 1e3:.1f} |", ""]
    lines += [f"{_CANDIDATES} candidates, {serving.CALLERS} callers, {load.rate:,.0f} answers a second; {machine()}."]
    table = "\n".join(lines)
    typer.echo(table)
    replace_section(PAGE, "threads", table)


def _read(clocks: Path) -> Mapping[str, float]:
    """What was spent, once the service has written it after all that came before."""
    time.sleep(_WRITTEN)
    found: defaultdict[str, float] = defaultdict(float)
    for path in clocks.glob("*.json"):
        for name, seconds in json.loads(path.read_text()).items():
            found[name] += seconds
    return found


def _kinds(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds between two looks, by what the threads are there for."""
    found = dict.fromkeys((*_KINDS.values(), _OTHERS), 0.0)
    for name, seconds in after.items():
        if name != "clocks":
            found[_KINDS.get(name, _OTHERS)] += seconds - before.get(name, 0.0)
    return found


if __name__ == "__main__":
    typer.run(main)

"""How cost and memory of every step grow with the events of a shop, from a million to a hundred million.

    python -m benchmarks.scale --work /tmp/scale             # whatever is not measured yet, smallest first
    python -m benchmarks.scale --work /tmp/scale --most 10   # only sizes of up to so many million events

Each cell (a step, a size, a seed) is a process of its own: CPU-seconds with those of its children, from when its input
is ready, and the peak of its resident memory. A cell that is measured is kept in the folder and not measured again. The
exponent of growth is the slope of log CPU-seconds over log events, with the interval of Student's t.
"""

import json
import os
import resource
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from benchmarks import scale_steps as steps
from benchmarks.claim import ROOT, commit, machine, replace_section, write
from benchmarks.resident import resident
from benchmarks.scale_kept import in_order, kept
from benchmarks.scale_report import PART, Cell, claims, growths, plot, text
from benchmarks.scale_shop import Shop

MILLION = 1_000_000
SIZES = (MILLION, 3 * MILLION, 10 * MILLION, 30 * MILLION, 100 * MILLION)
_KILLED = "its process was killed, as a rule for want of memory"
REPEATED = 10 * MILLION
"""Up to this size a cell is measured with several seeds, above with one."""


@dataclass(frozen=True)
class Step:
    """`make` prepares and returns the work; sizes above `most` would take too long, or too much memory, to be measured.

    `needs` are steps whose files it reads.
    """

    make: Callable[[steps.Place], steps.Work]
    most: int
    needs: tuple[str, ...] = ()


STEPS: Mapping[str, Step] = {
    "history": Step(steps.history, 100 * MILLION),
    "all features": Step(steps.all_features, 100 * MILLION, ("history",)),
    "materialize": Step(steps.online, 100 * MILLION, ("all features",)),
    "materialize to Valkey": Step(steps.online_in_valkey, 100 * MILLION, ("all features",)),
    "join": Step(steps.join, 30 * MILLION),
    "join by bucket": Step(steps.join_by_bucket, 100 * MILLION),
    "lines for recommenders": Step(steps.training_lines, 100 * MILLION, ("history",)),
    "lines for replenishment": Step(steps.purchase_lines, 100 * MILLION, ("history",)),
    "als": Step(steps.als, 100 * MILLION),
    "rp3beta": Step(steps.rp3beta, 100 * MILLION),
    "hazard": Step(steps.hazard, 100 * MILLION),
    "restock score": Step(steps.restock_score, 100 * MILLION, ("hazard",)),
    "recommend": Step(steps.recommend, 100 * MILLION, ("all features",)),
    "ray": Step(steps.ray, 10 * MILLION, ("history", "hazard")),
    "log": Step(steps.log, 100 * MILLION, ("history",)),
    "compaction": Step(steps.compaction, 100 * MILLION, ("log",)),
}

app = typer.Typer(add_completion=False)
console = Console(width=160)


@app.command()
def main(
    work: Annotated[Path, typer.Option(help="folder for the made shops, up to 85 GB; kept until you delete it")],
    most: Annotated[float, typer.Option(help="leave out sizes above so many million events")] = 100,
    only: Annotated[list[str] | None, typer.Option(help="only this step and what it needs; may be repeated")] = None,
    seeds: Annotated[int, typer.Option(help="made shops of each of the small sizes")] = 3,
) -> None:
    """Measure what is missing, print, write."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    work.mkdir(parents=True, exist_ok=True)
    file = work / "cells.json"
    cells = msgspec.json.decode(file.read_bytes(), type=list[Cell]) if file.exists() else []
    sizes = [size for size in SIZES if size <= most * MILLION]
    again = [(seed, size) for seed in range(1, seeds) for size in sizes if size <= REPEATED]
    for seed, size in [(0, size) for size in sizes] + again:
        folder = work / f"{size}-{seed}"
        known = {cell.step for cell in cells if (cell.size, cell.seed, cell.failed) == (size, seed, None)}
        for name in missing(only or list(STEPS), size, known, folder.exists()):
            cell = measured(name, folder, size, seed)
            console.print(f"{name}, {size:,} events, seed {seed}: {cell.told()}", markup=False)
            cells = [old for old in cells if (old.step, old.size, old.seed) != (name, size, seed)] + [cell]
            file.write_bytes(msgspec.json.format(msgspec.json.encode(cells)))
    report(cells)


def wanted(names: Sequence[str], size: int) -> list[str]:
    """Those of `names` that are measured at this size, and what they need, in the order of `STEPS`."""
    asked = {name for name in names if size <= STEPS[name].most}
    while missing := {need for name in asked for need in STEPS[name].needs} - asked:
        asked |= missing
    return [name for name in STEPS if name in asked]


def missing(names: Sequence[str], size: int, known: Collection[str], there: bool) -> list[str]:
    """Those of `names`, and of what they need, that are not `known` yet; without a folder, with all that they need."""
    left = [name for name in wanted(names, size) if name not in known]
    return left if there else wanted(left, size)


def measured(name: str, folder: Path, size: int, seed: int) -> Cell:
    """One cell, in a process of its own: what a process holds is not to count as the memory of another.

    They are forked off one that has imported everything and done nothing, as to import costs more than a small cell.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.scale_steps"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(name, folder, size, seed, theirs))
    child.start()
    theirs.close()
    try:
        found: Cell = ours.recv()
    except EOFError:
        found = Cell(name, size, seed, commit(), machine=machine(), failed=_KILLED)
    child.join()
    return found


def _measure(name: str, folder: Path, size: int, seed: int, answer: Connection) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        work = STEPS[name].make(steps.Place(folder, Shop(size, seed)))
        Path("/proc/self/clear_refs").write_text("5")  # from here on, the peak is that of the work
        started = _cpu_seconds()
        done = work()
        answer.send(
            Cell(name, size, seed, commit(), _cpu_seconds() - started, resident("VmHWM") / 1e9, done, machine=machine())
        )
    except Exception as error:  # a cell that fails is told in the table; the others go on
        answer.send(Cell(name, size, seed, commit(), machine=machine(), failed=f"{type(error).__name__}: {error}"))


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def report(cells: Sequence[Cell]) -> None:
    """Print, write the rows and the plot; steps without a cell stay as they stand in the rows, with their machine."""
    measured_now = {cell.step for cell in cells if cell.failed is None}
    stands = kept(json.loads((ROOT / "results" / f"{PART}.json").read_text()), measured_now)
    order = list(STEPS)
    grown = {**growths(cells), **stands.growths}
    grown = {step: grown[step] for step in order if step in grown}
    write(in_order([*claims(cells), *stands.claims], order), PART)
    cells = sorted([*cells, *stands.cells], key=lambda cell: order.index(cell.step))
    found = text(cells, grown)
    console.print(found, markup=False)
    plot(cells, ROOT.parent / "docs" / "images" / "scale.svg", grown)
    replace_section(ROOT / "README.md", PART, found)


if __name__ == "__main__":
    app()

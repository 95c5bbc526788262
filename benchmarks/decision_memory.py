"""What it takes of memory and time to read decisions with what came of them, and to fit a policy on them.

    python -m benchmarks.decision_memory

Decisions of 24 messages and silence about made carts, told in disorder, each size in a process of its own: the peak of
resident memory above what was there before, as `train policy` reads and fits them. One run each. Linux alone tells the
peak of a stretch of a process's life.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import typer
from rich.console import Console

from benchmarks.claim import Claim, commit, machine, write
from benchmarks.resident import from_here_on, resident
from models.policies.factored import Factored
from training.policy.dataset import history
from training.simulator.reported import POINT, reported
from training.simulator.world import World

PART = "decision_memory"
SIZES = (5_000, 10_000, 20_000)
SEED = 7

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Taken:
    """By `decisions`: bytes at the peak while they were read and joined, and while a policy was fitted on them; CPU
    seconds of each."""

    decisions: int
    read: int
    fitted: int
    reading: float
    fitting: float


@app.command()
def main() -> None:
    """Measure, print, write."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.map(taken, SIZES, chunksize=1)
    for one in found:
        Console(width=140).print(one, markup=False)
    write([_memory(found), _time(found)], "decisions", PART)


def taken(decisions: int) -> Taken:
    """Read and fit so many."""
    told = reported(World(SEED), np.random.default_rng(SEED), decisions)
    before, began = from_here_on(), time.process_time()
    seen = history(told.logs, [POINT], told.over)
    read, reading = resident("VmHWM") - before, time.process_time() - began
    began = time.process_time()
    Factored().fit(seen.log(seen.teaches))
    return Taken(decisions, read, resident("VmHWM") - before, reading, time.process_time() - began)


def _memory(found: Sequence[Taken]) -> Claim:
    first, last = found[0], found[-1]
    further = (last.fitted - first.fitted) / (last.decisions - first.decisions) / 1e3
    read = (last.read - first.read) / (last.decisions - first.decisions) / 1e3
    beside = {"of it while they are read": round(read, 2)}
    beside |= {f"MB for {one.decisions:,}": round(one.fitted / 1e6, 1) for one in found}
    return _claim(
        "kB that a further decision of 25 options takes to be learned from, at the peak", further, beside, found
    )


def _time(found: Sequence[Taken]) -> Claim:
    last = found[-1]
    each = (last.reading + last.fitting) / last.decisions * 1e3
    beside = {"of it to read and join": round(last.reading / last.decisions * 1e3, 3)}
    return _claim("CPU-ms that such a decision takes to be learned from", each, beside, found)


def _claim(measure: str, ours: float, beside: dict[str, float], found: Sequence[Taken]) -> Claim:
    return Claim(
        measure=measure,
        data="made carts, 24 messages and silence, told in disorder",
        protocol="resident memory above what was there before, a process and one run each, BLAS at one thread",
        ours=round(ours, 3),
        interval=None,
        baselines=beside,
        must=None,
        goal=None,
        met=None,
        seeds=(SEED,),
        cpu_seconds=round(sum(one.reading + one.fitting for one in found), 1),
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    app()

"""What the fit of a recommender takes of memory, beside what its recipe says before it starts.

    python -m benchmarks.memory

Made histories of a realistic skew, each fit in a process of its own: its peak of resident memory above what was there
before. Where a matrix or a ranker is made of many products or questions, these are what is large, so sizes differ in
both. One run each. Linux alone tells the peak of a stretch of a process's life.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context

import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.fit_time import SEED, shop
from benchmarks.resident import from_here_on, resident
from models.recommenders.als import ALS
from models.recommenders.base import Recommender
from models.recommenders.combinator import distinct, fit_all
from models.recommenders.ease import EASE
from models.recommenders.item_item import ItemItem
from models.recommenders.memory import Heavy
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.sasrec import SASRec
from models.recommenders.two_stage import TwoStage

PART = "memory"
ALONE: tuple[Recommender, ...] = (ALS(iterations=1), RP3Beta(), ItemItem(), SASRec(epochs=1))
"""An iteration of ALS takes as much as all of them, and so does an epoch of SASRec."""

SIZES: tuple[tuple[int, int, tuple[Recommender, ...]], ...] = (
    (1_000_000, 20_000, (*ALONE, TwoStage())),
    (300_000, 100_000, ALONE),
    (1_000_000, 8_000, (EASE(),)),
)
"""Interactions, products and who is fitted on them."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Peak:
    """Of one fit, in bytes, beside its two `sizes`."""

    name: str
    sizes: tuple[int, int]
    said: int
    taken: int
    cpu_seconds: float


@app.command()
def main() -> None:
    """Measure, print, write."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        cases = [(recipe, events, products) for events, products, recipes in SIZES for recipe in recipes]
        found = pool.starmap(peak, cases, chunksize=1)
    data = ", ".join(f"{events:,} events over {products:,} products" for events, products, _ in SIZES)
    measure = "peak of memory of a fit over what its recipe said before, the worst of them"
    publish(
        PART, "recommenders", ("recommender", "interactions", "products"), worst(found, measure, f"made: {data}"), found
    )


def peak(recipe: Recommender, events: int, products: int) -> Peak:
    """Fit `recipe` with all that it is made of, one after another."""
    data = shop(events, products, SEED)
    said = max(part.bytes_needed(data) for part in distinct(recipe) if isinstance(part, Heavy))
    return measured(recipe.name, (events, products), said, lambda: fit_all([recipe], data, threads=1))


def measured(name: str, sizes: tuple[int, int], said: int, fit: Callable[[], object]) -> Peak:
    """What `fit` takes above what is resident now, in a process that fits nothing else."""
    before, started = from_here_on(), time.process_time()
    fit()
    return Peak(name, sizes, said, resident("VmHWM") - before, time.process_time() - started)


def publish(part: str, results: str, heads: Sequence[str], claim: Claim, found: Sequence[Peak]) -> None:
    """Print the table, `heads` being what is fitted and its two sizes, and write it with the row."""
    head = f"| {' | '.join([*heads, 'peak, MB', 'said before, MB'])} |\n| --- | ---: | ---: | ---: | ---: |"
    rows = [
        f"| {one.name} | {one.sizes[0]:,} | {one.sizes[1]:,} | {one.taken / 1e6:,.0f} | {one.said / 1e6:,.0f} |"
        for one in found
    ]
    text = "\n".join([f"{machine()}.\n", head, *rows])
    Console(width=140).print(text, markup=False)
    write([claim], results, part)
    replace_section(ROOT / "README.md", part, text)


def worst(found: Sequence[Peak], measure: str, data: str) -> Claim:
    """The largest share of what was said that was taken; it owes nothing."""
    return Claim(
        measure=measure,
        data=data,
        protocol="resident memory above what was there before the fit, a process and one run each, BLAS at one thread",
        ours=round(max(one.taken / one.said for one in found), 3),
        interval=None,
        baselines={},
        must=None,
        goal=None,
        met=None,
        seeds=(SEED,),
        cpu_seconds=round(sum(one.cpu_seconds for one in found), 1),
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    app()

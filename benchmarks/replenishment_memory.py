"""What the fit of the replenishment model takes of memory, beside what is said before it starts.

    python -m benchmarks.replenishment_memory

Made lines of three kinds, each fit in a process of its own: its peak of resident memory above what was there before.
What is large are rows to learn from, a pair and day of asking each, so histories differ in how often people come back.
One run each. Linux alone tells the peak of a stretch of a process's life.
"""

import os
from multiprocessing import get_context

import numpy as np
import typer

from benchmarks.memory import Peak, measured, publish, worst
from models.catalogue import Catalogue
from models.time_to_event.lines import Lines
from models.time_to_event.memory import bytes_needed, rows_of
from models.time_to_event.replenishment import Replenishment

PART, SEED = "replenishment_memory", 0
DAY, YEAR = 20_400, 364

KINDS: dict[str, tuple[int, int, float]] = {
    "a grocery": (2_000, 20, 16.0),
    "drugstore": (12_000, 6, 60.0),
    "seldom": (60_000, 4, 250.0),
}
"""Customers, groups that each buys again, and mean days between two purchases of one."""

app = typer.Typer(add_completion=False)


@app.command()
def main() -> None:
    """Measure, print, write."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.map(peak, KINDS, chunksize=1)
    sizes = ", ".join(f"{one.sizes[0]:,} lines with {one.sizes[1]:,} rows to learn from" for one in found)
    measure = "peak of memory of the fit of the replenishment model over what was said before, the worst of them"
    heads = ("lines of", "lines", "rows learned from")
    publish(PART, "replenishment", heads, worst(found, measure, f"made: {sizes}"), found)


def peak(kind: str) -> Peak:
    """Fit the default recipe on lines of a kind."""
    lines, catalogue = made(*KINDS[kind])
    recipe = Replenishment()
    said, rows = bytes_needed(recipe, lines, catalogue), rows_of(recipe, lines, catalogue)
    return measured(kind, (len(lines.days), rows), said, lambda: recipe.fit(lines, catalogue))


def made(customers: int, own: int, interval: float, products: int = 400) -> tuple[Lines, Catalogue]:
    """A year of lines: each customer buys `own` products, each a group, in a rhythm of its own."""
    rng = np.random.default_rng(SEED)
    pairs = customers * own
    most = int(4 * YEAR / interval) + 4
    gaps = rng.lognormal(np.log(interval), 0.6, (pairs, 1)) * rng.gamma(4.0, 0.25, (pairs, most))
    when = np.cumsum(np.maximum(gaps, 1.0), axis=1) - gaps[:, :1] * rng.random((pairs, 1))
    pair, place = np.nonzero((when >= 0) & (when < YEAR))
    product = rng.integers(0, products, pairs)[pair]
    ids = np.array([f"p{number:05d}" for number in range(products)], object)
    lines = Lines.of(
        (pair // own).astype(np.int32),
        product.astype(np.int32),
        (DAY - YEAR + when[pair, place]).astype(np.int32),
        np.ones(len(pair)),
        np.full(len(pair), 2.5),
        ids,
        customers,
        DAY,
    )
    names = np.array([f"department {number % 20}/category {number}" for number in range(products)], object)
    return lines, Catalogue(float(DAY), ids, {"category": names}, {})


if __name__ == "__main__":
    app()

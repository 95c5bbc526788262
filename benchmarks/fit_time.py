"""How long the recommenders take to fit, what memory, and what a query costs, on made histories of a realistic skew.

    python -m benchmarks.fit_time              # 1 M events over 20,000 and 100,000 products, and 10 M events
    python -m benchmarks.fit_time --events 1   # only the sizes of at most so many million events

Every recipe of the family joins by itself, with its defaults and each part that recipes share once, but for
`LEFT_OUT`. They are fitted twice: one after another, for the CPU-seconds of each; and as `train` fits them, two side by
side, for what the wall clock shows on two cores. Each has a process of its own, so that its peak of memory is its own.
BLAS is at one thread. The wall clock means something on an idle machine only.
"""

import os
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from models.catalogue import Catalogue
from models.recommenders import combinator
from models.recommenders.base import FittedRecommender, Interactions, Query, Recommender
from models.recommenders.combinator import Combinator
from models.recommenders.family import RECIPES

PART = "fit_time"
LEFT_OUT = {
    "ease": "its matrix over all products is refused above a few 10,000, which is its own rule",
    "sasrec": "trained by gradient for minutes, a nightly job",
}
"""Recipes outside of the first line, and why; what is made of them is left out as well."""
SEED = 0
HISTORY, ASKED, K = 20, 200, 20
UNTIL = 20_000.0
CATEGORIES = 200
MUST_MS = {20_000: 2.0, 100_000: 4.0}

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Size:
    """`events` lines over `products`; `must` and `goal` are CPU-seconds for all recipes together."""

    events: int
    products: int
    must: float
    goal: float
    gigabytes: float | None = None


SIZES = (
    Size(1_000_000, 20_000, 60, 30),
    Size(1_000_000, 100_000, 60, 30),
    Size(10_000_000, 100_000, 600, 300, gigabytes=8),
)


@dataclass(frozen=True)
class Measured:
    """CPU-seconds of each recipe's own part of the fit, CPU-ms of a query, peak resident memory and the failures."""

    seconds: Mapping[str, float]
    query_ms: Mapping[str, float]
    gigabytes: float
    failed: Mapping[str, str]


@dataclass(frozen=True)
class Together:
    """Seconds of the wall clock and of the processor for all fits, two side by side, and peak resident memory."""

    wall: float
    cpu: float
    gigabytes: float


@app.command()
def main(events: Annotated[float, typer.Option(help="leave out sizes above so many million events")] = 10) -> None:
    """Measure, print, write."""
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    measured: dict[Size, Measured] = {}
    together: dict[Size, Together] = {}
    for size in (size for size in SIZES if size.events <= events * 1e6):
        # Spawned, not forked, and anew for each: what a process holds is not to count as the memory of another.
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            measured[size] = pool.apply(measure, (size,))
            together[size] = pool.apply(fit_together, (size,))
        claims = [claim for size, found in measured.items() for claim in _claims(size, found, together[size])]
        text = f"{machine()}.\n\n{_table(measured)}\n\n{_words(measured, together)}"
        console.print(text, markup=False)
        # After each size, as the last takes many minutes.
        write(claims, "recommenders", PART)
        replace_section(ROOT / "README.md", PART, text)


def measure(size: Size) -> Measured:
    """Fit every distinct recipe once, then ask each for one answer at a time."""
    data = shop(size.events, size.products, SEED)
    seconds: dict[str, float] = {}
    query_ms: dict[str, float] = {}
    failed: dict[str, str] = {}
    known: dict[Recommender, FittedRecommender] = {}
    with threadpool_limits(1, "blas"):
        for recipe in _recipes():
            name = _name(recipe)
            started = time.process_time()
            try:
                known[recipe] = _fitted(recipe, known, data)
            except (ValueError, KeyError, MemoryError) as error:
                failed[name] = str(error)
            seconds[name] = time.process_time() - started
        for name, recipe in ((name, cls()) for name, cls in RECIPES.items()):
            if recipe in known:
                query_ms[name] = _query_ms(known[recipe], queries(data, ASKED, SEED))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return Measured(seconds, query_ms, peak, failed)


def fit_together(size: Size) -> Together:
    """The same fits as `train` has them: two threads, and what they share is fitted once."""
    data = shop(size.events, size.products, SEED)
    started, spent = time.perf_counter(), time.process_time()
    combinator.fit_all(_recipes(), data)
    wall, cpu = time.perf_counter() - started, time.process_time() - spent
    return Together(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)


def _recipes() -> list[Recommender]:
    """Each distinct recipe of the first line, parts before what is made of them."""
    recipes = [cls() for name, cls in RECIPES.items() if name not in LEFT_OUT]
    inside = {recipe: combinator.distinct(recipe) for recipe in recipes}
    whole = [recipe for recipe, parts in inside.items() if not any(part.name in LEFT_OUT for part in parts)]
    return list(dict.fromkeys(part for recipe in whole for part in inside[recipe]))


def _name(recipe: Recommender) -> str:
    return recipe.name if recipe == RECIPES[recipe.name]() else f"{recipe.name} inside of another"


def _fitted(
    recipe: Recommender, known: Mapping[Recommender, FittedRecommender], data: Interactions
) -> FittedRecommender:
    if isinstance(recipe, Combinator):
        return recipe.fit_over(tuple(known[source] for source in recipe.sources), data)
    return recipe.fit(data)


def _query_ms(model: FittedRecommender, asked: list[Query]) -> float:
    """One at a time, a twentieth of the products filtered away; the first few warm caches and are not counted."""
    allow = np.random.default_rng(SEED).random(len(model.item_ids)) > 0.05
    for query in asked[:10]:
        model.recommend([query], K, allow)
    started = time.process_time()
    for query in asked[10:]:
        model.recommend([query], K, allow)
    return 1e3 * (time.process_time() - started) / len(asked[10:])


def shop(events: int, products: int, seed: int) -> Interactions:
    """Customers with about 50 events, a few with thousands; in each order about four lines, most of one category.

    Products sell by Zipf's law, overall and in a category; a customer prefers three categories, and one line in three
    is a purchase again of what he had. Three events in five are purchases, the others views of what is bought later.
    """
    rng = np.random.default_rng(seed)
    customer_count = max(events // 50, 1)
    activity = rng.lognormal(0, 1.2, customer_count)
    visits = max(events // 4, 1)
    who = rng.choice(customer_count, visits, p=activity / activity.sum()).astype(np.int32)
    when = UNTIL - 365 * rng.random(visits)
    lines = np.repeat(np.arange(visits), 4)
    category_of = rng.integers(CATEGORIES, size=products)
    by_category = np.argsort(category_of, kind="stable")
    starts = np.searchsorted(category_of[by_category], np.arange(CATEGORIES))
    lengths = np.bincount(category_of, minlength=CATEGORIES)
    liked = rng.integers(CATEGORIES, size=(customer_count, 3))
    category = liked[who[lines], rng.integers(3, size=len(lines))]
    ranks = np.floor(lengths[category] ** rng.random(len(lines))).astype(np.int64) - 1
    items = by_category[starts[category] + np.minimum(ranks, lengths[category] - 1)]
    anywhere = rng.random(len(lines)) < 0.2
    items[anywhere] = np.minimum(np.floor(products ** rng.random(anywhere.sum())).astype(np.int64), products) - 1
    again = np.flatnonzero(rng.random(len(lines)) < 0.33)
    order = np.lexsort((when[lines], who[lines]))
    before = np.empty(len(lines), np.int64)
    before[order] = np.concatenate([order[:1], order[:-1]])
    again = again[who[lines[before[again]]] == who[lines[again]]]
    items[again] = items[before[again]]
    bought = rng.random(len(lines)) < 0.6
    item_ids = np.array([f"{code:07d}" for code in range(products)], object)
    texts = {
        "category": np.array([f"department {code % 20}/category {code}" for code in category_of], object),
        "title": np.array(
            [f"thing {code % 977} of kind {code % 53} by {code % 311}" for code in range(products)], object
        ),
        "brand": np.array([f"brand {code % 1_009}" for code in range(products)], object),
        "group_id": np.array([f"group {code // 3}" for code in range(products)], object),
    }
    numbers = {"price": rng.lognormal(3, 1, products), "since": np.full(products, UNTIL - 400)}
    return Interactions(
        customers=who[lines],
        items=items.astype(np.int32),
        days=when[lines],
        weights=np.where(bought, 1.0, 0.1),
        item_ids=item_ids,
        customer_count=customer_count,
        until=UNTIL,
        orders=np.where(bought, lines, -1).astype(np.int32),
        catalogue=Catalogue(UNTIL, item_ids, texts, numbers),
    )


def queries(data: Interactions, count: int, seed: int) -> list[Query]:
    """The latest `HISTORY` events of customers who have as many, asked an hour after the end of the data."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((data.days, data.customers))
    ends = np.cumsum(np.bincount(data.customers, minlength=data.customer_count))
    busy = np.flatnonzero(np.diff(ends, prepend=0) >= HISTORY)
    found = []
    for customer in rng.choice(busy, count):
        lines = order[ends[customer] - HISTORY : ends[customer]]
        found.append(Query(UNTIL + 1 / 24, data.item_ids[data.items[lines]], data.days[lines], data.weights[lines]))
    return [replace(query, context_ids=(str(query.history_ids[-1]),)) for query in found]


def _claims(size: Size, found: Measured, together: Together) -> list[Claim]:
    data = f"made: {size.events:,} events of {size.events // 50:,} customers over {size.products:,} products"
    left_out = f"all recipes but {', '.join(LEFT_OUT)}, each part once, defaults, BLAS at one thread"
    total = sum(found.seconds.values())
    both = f"{left_out}, two fits side by side, {together.cpu:.1f} CPU-s in all"
    rows = [
        ("CPU-seconds of all fits", total, size.must, size.goal, dict(found.seconds), left_out),
        ("seconds of the wall clock for all fits on 2 cores", together.wall, size.must, size.goal, {}, both),
    ]
    if size.gigabytes is not None:
        most = max(found.gigabytes, together.gigabytes)
        rows.append(("GB of peak memory", most, size.gigabytes, size.gigabytes / 2, {}, both))
    if size.events == min(each.events for each in SIZES):
        must, slowest = MUST_MS[size.products], max(found.query_ms.values())
        protocol = f"{ASKED - 10} queries of {HISTORY} events and a product on the page, one at a time, with a filter"
        rows.append(("CPU-ms of a query, slowest recipe", slowest, must, must / 2, dict(found.query_ms), protocol))
    return [
        Claim(
            measure=measure,
            data=data,
            protocol=protocol,
            ours=round(ours, 3),
            interval=None,
            baselines=beside,
            must=f"at most {must:g}",
            goal=f"at most {goal:g}",
            met=ours <= must and not found.failed,
            seeds=(SEED,),
            cpu_seconds=round(total, 1),
            machine=machine(),
            commit=commit(),
        )
        for measure, ours, must, goal, beside, protocol in rows
    ]


def _table(measured: Mapping[Size, Measured]) -> str:
    sizes = [f"{size.events / 1e6:g} M events, {size.products:,} products" for size in measured]
    lines = [
        f"| recommender | {' | '.join(f'{name}: fit, CPU-s | query, CPU-ms' for name in sizes)} |",
        f"| --- |{' ---: | ---: |' * len(sizes)}",
    ]
    names = dict.fromkeys(name for found in measured.values() for name in found.seconds)
    for name in names:
        cells = [
            f"{found.seconds[name]:.1f} | " + (f"{found.query_ms[name]:.2f}" if name in found.query_ms else "")
            for found in measured.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    totals = [f"{sum(found.seconds.values()):.1f} | {max(found.query_ms.values()):.2f}" for found in measured.values()]
    lines.append(f"| all together; the slowest | {' | '.join(totals)} |")
    return "\n".join(lines)


def _words(measured: Mapping[Size, Measured], together: Mapping[Size, Together]) -> str:
    words = [
        f"{size.events / 1e6:g} M events over {size.products:,} products: at most {size.must:g} s owed, "
        f"{found.gigabytes:.1f} GB at the peak; two fits side by side {together[size].wall:.0f} s of the wall clock, "
        f"{together[size].cpu:.0f} CPU-s, {together[size].gigabytes:.1f} GB"
        + "".join(f"; {name} failed: {why}" for name, why in found.failed.items())
        for size, found in measured.items()
    ]
    out = "; ".join(f"{name}, {why}" for name, why in LEFT_OUT.items())
    return f"A recipe made of others shows its own part alone. {'. '.join(words)}. Left out: {out}."


if __name__ == "__main__":
    app()

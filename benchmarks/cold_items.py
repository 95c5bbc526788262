"""Products that nobody has touched: a fifth of the catalogue is hidden from training and must be found by description.

    python -m benchmarks.cold_items --sequences DATA  # Complete Journey as `make demo` leaves it; DATA has Beauty.txt

The cold model learns from four fifths of the catalogue and is told of the rest as of products that were added since:
what a customer bought of them stands in his query (`buy_again`), else there are their descriptions (`content`). The
warm ones learn from every purchase, of the hidden products too. All are asked the same queries for hidden products
only, so a share of the warm recall says how much of what purchases tell is known without them.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from features.assortment import described
from features.compute import NOBODY
from models.arrays import Codes, Floats, Ids, Mask, codes_of
from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender, Interactions, Query, Recommender
from models.recommenders.buy_again import BuyAgain
from models.recommenders.content import Content
from models.recommenders.fallback import Fallback
from models.recommenders.item_item import ItemItem
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.dataset import exam
from training.recommender import WINDOW
from training.splits import latest_folds

PART = "cold_items"
HIDDEN = 0.2
K = 10
SEEDS = (1, 2, 3)
MOST = 1_000
"""Customers asked in a draw of hidden products, at random."""
DRAWS = 1_000
OWED, AIMED = 0.5, 0.8
MONTH = 30.0
COLD = "buy_again, then content"
WARM: Mapping[str, Recommender] = {
    "rp3beta": RP3Beta(),
    "rp3beta, nothing fades": RP3Beta(half_life=None, fade=0.0),
    "item_item": ItemItem(),
}
RECIPES: Mapping[str, Recommender] = {
    **WARM,
    "popularity": Popularity(half_life=30.0),
    COLD: Fallback((BuyAgain(), Content())),
}

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Case:
    """Who is asked for what: one entry a customer in `queries`, in `targets` (codes) and in what is `forbidden`."""

    data: str
    protocol: str
    train: Interactions
    queries: Sequence[Query]
    targets: Sequence[Codes]
    forbidden: Sequence[Codes]


@dataclass(frozen=True)
class Found:
    """Recall by recommender, one entry a query with a hidden target, all seeds; `own` with histories without them."""

    recalls: Mapping[str, Floats]
    own: Floats
    cpu_seconds: float

    @property
    def best(self) -> str:
        """The warm model to be compared with."""
        return max(WARM, key=lambda name: float(self.recalls[name].mean()))


@app.command()
def main(
    history: Annotated[Path, typer.Argument(help="folder of the Parquet history")] = Path("var/history"),
    sequences: Annotated[Path | None, typer.Option(help="folder with Beauty.txt and its attributes")] = None,
    tuning: Annotated[bool, typer.Option(help="judge on what precedes the test, and write nothing")] = False,
) -> None:
    """Measure, print, write."""
    cases = [*journey(history, tuning), *([beauty(sequences, tuning)] if sequences else [])]
    claims, lines = [], []
    fitted: dict[int, Mapping[str, FittedRecommender]] = {}
    for case in cases:
        if id(case.train) not in fitted:
            fitted[id(case.train)] = {name: recipe.fit(case.train) for name, recipe in RECIPES.items() if name != COLD}
        found = measure(case, fitted[id(case.train)])
        claims.append(_claim(case, found))
        lines.append(_line(case, found, claims[-1]))
        console.print(lines[-1], markup=False)
    text = f"{machine()}.\n\n{_TITLE}\n" + "\n".join(lines)
    console.print(text, markup=False)
    if not tuning:
        write(claims, "recommenders", PART)
        replace_section(ROOT / "README.md", PART, text)


def journey(history: Path, tuning: bool) -> Iterator[Case]:
    """The last four weeks: what a household bought that it had never had, and all that it bought."""
    settings = Settings(history=history)
    fold = latest_folds(end_of_history(settings), WINDOW, 2)[0 if tuning else 1]
    prepared = exam(history, NOBODY, fold)
    known = assortment(settings)
    holdout = prepared.holdout
    told = described(known.products, known.added, None)
    texts = {
        name: Catalogue(0.0, told.item_ids, {name: told.texts[name]}).text(name, holdout.item_ids)
        for name in told.texts
    }
    train = replace(prepared.train, catalogue=Catalogue(prepared.train.until, holdout.item_ids, texts))
    protocol = f"learned before {fold.split:%Y-%m-%d}, judged until {fold.until:%Y-%m-%d}"
    nothing = [np.empty(0, np.int32)] * len(holdout.queries)
    new = [np.setdiff1d(bought, seen) for bought, seen in zip(holdout.targets, holdout.seen, strict=True)]
    data = "Complete Journey"
    yield Case(data, f"{protocol}, new only", train, holdout.queries, new, holdout.seen)
    yield Case(data, f"{protocol}, repeats allowed", train, holdout.queries, holdout.targets, nothing)


def beauty(folder: Path, tuning: bool) -> Case:
    """The last product of each customer, or the one before it; the file has no times, a month lies between two."""
    lists = [[int(item) for item in line.split()[1:]] for line in (folder / "Beauty.txt").read_text().splitlines()]
    attributes = json.loads((folder / "Beauty_item2attributes.json").read_text())
    names = sorted({item for bought in lists for item in bought})
    item_ids = np.array([f"{name:06d}" for name in names], object)
    cut = 2 if tuning else 1
    known = [codes_of([f"{item:06d}" for item in bought], item_ids) for bought in lists]
    past, next_ = [codes[:-cut] for codes in known], [codes[-cut:][:1] for codes in known]
    days = [(-MONTH * np.arange(len(codes), 0, -1)).astype(np.float64) for codes in past]
    # Two letters a code: attributes have no names in the file, and longer words would have pieces in common.
    titles = [" ".join(_code(attribute) for attribute in attributes.get(str(name), [])) or None for name in names]
    column = np.empty(len(names), object)
    column[:] = titles
    train = Interactions(
        customers=np.repeat(np.arange(len(past), dtype=np.int32), [len(codes) for codes in past]),
        items=np.concatenate(past),
        days=np.concatenate(days),
        weights=np.ones(sum(map(len, past))),
        item_ids=item_ids,
        customer_count=len(past),
        until=0.0,
        catalogue=Catalogue(0.0, item_ids, {"title": column}),
    )
    queries = [Query(0.0, item_ids[codes], day, np.ones(len(codes))) for codes, day in zip(past, days, strict=True)]
    return Case("Amazon Beauty", "leave one out, new only", train, queries, next_, past)


def _code(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return letters[number // len(letters)] + letters[number % len(letters)]


def measure(case: Case, warm: Mapping[str, FittedRecommender]) -> Found:
    """Hide other products with every seed; the `warm` models have seen all."""
    started = time.process_time()
    item_ids = case.train.item_ids
    models = dict(warm)
    recalls: dict[str, list[Floats]] = {name: [] for name in RECIPES}
    own = []
    for seed in SEEDS:
        rng, hidden = np.random.default_rng(seed), np.zeros(len(item_ids), bool)
        hidden[rng.permutation(len(item_ids))[: int(HIDDEN * len(item_ids))]] = True
        asked = [row for row, targets in enumerate(case.targets) if hidden[targets].any()]
        asked = sorted(rng.permutation(asked)[:MOST].tolist())
        models[COLD] = cold(case.train, hidden)
        for name, model in models.items():
            recalls[name].append(_recalls(model, case, asked, hidden, case.queries))
        unaware = {row: _without(case.queries[row], item_ids[hidden]) for row in asked}
        queries = [unaware.get(row, query) for row, query in enumerate(case.queries)]
        own.append(_recalls(models[COLD], case, asked, hidden, queries))
    found = {name: np.concatenate(values) for name, values in recalls.items()}
    return Found(found, np.concatenate(own), time.process_time() - started)


def cold(train: Interactions, hidden: Mask) -> FittedRecommender:
    """Fitted on what is not `hidden`, then told of the rest."""
    told, later = (_described(train.catalogue, train.item_ids[kept]) for kept in (~hidden, hidden))
    lines = ~hidden[train.items]
    known = replace(
        train,
        customers=train.customers[lines],
        items=(np.cumsum(~hidden) - 1)[train.items[lines]].astype(np.int32),
        days=train.days[lines],
        weights=train.weights[lines],
        orders=None if train.orders is None else train.orders[lines],
        item_ids=train.item_ids[~hidden],
        catalogue=told,
    )
    return RECIPES[COLD].fit(known).extended(later)


def _described(catalogue: Catalogue, item_ids: Ids) -> Catalogue:
    return Catalogue(catalogue.day, item_ids, {name: catalogue.text(name, item_ids) for name in catalogue.texts})


def _without(query: Query, ids: Ids) -> Query:
    kept = ~np.isin(query.history_ids.astype(str), ids.astype(str))
    return replace(query, history_ids=query.history_ids[kept], days=query.days[kept], weights=query.weights[kept])


def _recalls(
    model: FittedRecommender, case: Case, asked: Sequence[int], hidden: Mask, queries: Sequence[Query]
) -> Floats:
    """The share of each customer's hidden targets among ten hidden products."""
    found = []
    for row in asked:
        allow = hidden.copy()
        allow[case.forbidden[row]] = False
        wanted = case.train.item_ids[case.targets[row][hidden[case.targets[row]]]]
        shown = [id_ for id_, _, _ in model.recommend([queries[row]], K, allow).row(0)]
        found.append(len(set(wanted) & set(shown)) / len(wanted))
    return np.array(found)


def _ratio(mine: Floats, other: Floats) -> tuple[float, float, float]:
    """The ratio of the means, and its 95 % interval over customers."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(mine), size=len(mine)) for _ in range(DRAWS)]
    low, high = np.quantile([mine[rows].mean() / other[rows].mean() for rows in drawn], [0.025, 0.975])
    return float(mine.mean() / other.mean()), float(low), float(high)


def _claim(case: Case, found: Found) -> Claim:
    share, low, high = _ratio(found.recalls[COLD], found.recalls[found.best])
    return Claim(
        measure=f"recall@10 of hidden products, {COLD}",
        data=case.data,
        protocol=(
            f"{case.protocol}; {HIDDEN:.0%} of {len(case.train.item_ids):,} products hidden, three draws, only hidden "
            f"ones ranked, ties by id; the interval is that of the share of the best warm model ({share:.3f})"
        ),
        ours=float(found.recalls[COLD].mean()),
        interval=(low, high),
        baselines={f"{name}, warm": float(found.recalls[name].mean()) for name in [*WARM, "popularity"]}
        | {"popularity": 0.0, f"{COLD}, hidden products left out of histories": float(found.own.mean())},
        must="≥ 50 % of the warm Recall@10",
        goal="≥ 80 %",
        met=share >= OWED,
        seeds=SEEDS,
        cpu_seconds=round(found.cpu_seconds, 1),
        machine=machine(),
        commit=commit(),
    )


_TITLE = (
    f"| data | {COLD}, cold | the same, hidden products left out of histories | best warm | popularity, warm | "
    "share of the best warm (95 %) | must |\n| --- | ---: | ---: | --- | ---: | --- | --- |"
)


def _line(case: Case, found: Found, claim: Claim) -> str:
    share, low, high = _ratio(found.recalls[COLD], found.recalls[found.best])
    warm = f"{found.best} {found.recalls[found.best].mean():.4f}"
    met = "met" if claim.met else "missed"
    return (
        f"| {case.data}, {case.protocol}, {len(found.own):,} queries | {claim.ours:.4f} | {found.own.mean():.4f} | "
        f"{warm} | {found.recalls['popularity'].mean():.4f} | {share:.1%} ({low:.1%} to {high:.1%}) | 50 %: {met} |"
    )


if __name__ == "__main__":
    app()

"""What Amazon's customers bought and viewed with each product, foretold from purchases alone.

    python -m benchmarks.amazon_grocery DATA  # the folder with train.csv and item_meta.csv

The shop itself once told for every product what was also bought and also viewed. `bought_together` is judged by the
first list and `item_item` by the second, as the cart and the product page ask them: `similar`, all products, no filter.
A product without a list is not asked about. The baseline is the plain cosine between products.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from pyarrow import csv
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from models.arrays import Codes, Floats
from models.recommenders.base import Interactions, Recommender
from models.recommenders.bought_together import BoughtTogether
from models.recommenders.item_item import ItemItem
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from training.bootstrap import paired

PART = "amazon_grocery"
DATA = "Amazon grocery: 121,892 purchases of 14,681 customers, 8,713 products"
PROTOCOL = (
    "learned from purchases alone, judged on the lists that the shop published; Recall@10 over the whole list, full "
    "ranking, ties by id, interval by bootstrap over products of what must is about: ours less 1.2 times the baseline"
)
K = 10
SEED = 0
PLAIN = ItemItem(half_life=None, power=1.0, together=0.0, crowding=0.0, kinship=0.0, shrinkage=0.0)
MODELS: Mapping[str, Recommender] = {
    "popularity": Popularity(half_life=None),
    "plain cosine": PLAIN,
    "rp3beta": RP3Beta(),
    "item_item without kin": ItemItem(kinship=0.0),
    "item_item": ItemItem(),
    "bought_together of orders only": BoughtTogether(lifetime=0.0),
    "bought_together": BoughtTogether(),
}
JUDGED = {"bought": "bought_together", "viewed": "item_item"}
OWED, AIMED = 1.2, 1.4

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Lists:
    """What was also bought and also viewed with each product of `item_ids`, and what was in one list only."""

    train: Interactions
    also: Mapping[str, list[Codes]]


@app.command()
def main(data: Annotated[Path, typer.Argument(help="folder with train.csv and item_meta.csv")]) -> None:
    """Measure, print, write."""
    lists = read(data)
    answers, spent = {}, {}
    for name, recipe in MODELS.items():
        started = time.process_time()
        model = recipe.fit(lists.train)
        spent[name] = time.process_time() - started
        ids = model.similar(list(lists.train.item_ids), K).ids
        answers[name] = np.where(ids == None, -1, np.searchsorted(lists.train.item_ids, np.where(ids == None, "", ids)))  # noqa: E711
    found = {name: {kind: recalls(shown, also) for kind, also in lists.also.items()} for name, shown in answers.items()}
    claims = [_claim(kind, found, spent) for kind in JUDGED]
    shared = np.mean(
        [len(np.intersect1d(*pair)) / K for pair in zip(*(answers[JUDGED[kind]] for kind in JUDGED), strict=True)]
    )
    claims.append(_unmixed(found, float(shared), sum(spent[name] for name in JUDGED.values())))
    text = f"{DATA}; {PROTOCOL}. {machine()}.\n\n{_table(found, spent)}\n\n{_words(claims, lists, float(shared))}"
    console.print(text, markup=False)
    write(claims, "recommenders", PART)
    replace_section(ROOT / "README.md", PART, text)


def read(data: Path) -> Lists:
    """Purchases by customer and day, and the lists without the product itself and what the shop did not sell."""
    tab = csv.ParseOptions(delimiter="\t")
    bought, told = (csv.read_csv(data / name, parse_options=tab) for name in ("train.csv", "item_meta.csv"))
    names = sorted({*bought["item_id"].to_pylist(), *told["item_id"].to_pylist()})
    item_ids = np.array([f"{name:05d}" for name in names], object)
    customers, customer_codes = np.unique(bought["user_id"].to_numpy(), return_inverse=True)
    days = bought["time"].to_numpy() / 86_400
    train = Interactions(
        customers=customer_codes.astype(np.int32),
        items=np.searchsorted(np.array(names), bought["item_id"].to_numpy()).astype(np.int32),
        days=days,
        weights=np.ones(len(days)),
        item_ids=item_ids,
        customer_count=len(customers),
        until=float(days.max()),
    )
    also = {
        kind: _also(told, column, names) for kind, column in (("bought", "r_complement"), ("viewed", "r_substitute"))
    }
    only = {
        f"only {kind}": [
            np.setdiff1d(mine, its).astype(np.int32) for mine, its in zip(also[kind], also[other], strict=True)
        ]
        for kind, other in (("bought", "viewed"), ("viewed", "bought"))
    }
    return Lists(train, {**also, **only})


def _also(told: pa.Table, column: str, names: list[int]) -> list[Codes]:
    codes = {name: code for code, name in enumerate(names)}
    lists = [np.empty(0, np.int32) for _ in names]
    for name, text in zip(told["item_id"].to_pylist(), told[column].to_pylist(), strict=True):
        known = {codes[other] for other in json.loads(text) if other in codes and other != name}
        lists[codes[name]] = np.array(sorted(known), np.int32)
    return lists


def recalls(shown: Codes, lists: list[Codes]) -> Floats:
    """For each product with a list, the share of the list that was shown; NaN for the others."""
    return np.array(
        [
            np.isin(row, wanted).sum() / len(wanted) if len(wanted) else np.nan
            for row, wanted in zip(shown, lists, strict=True)
        ]
    )


def _claim(kind: str, found: Mapping[str, Mapping[str, Floats]], spent: Mapping[str, float]) -> Claim:
    name = JUDGED[kind]
    asked = ~np.isnan(found[name][kind])
    mine, base = found[name][kind][asked], found["plain cosine"][kind][asked]
    above = paired(mine, OWED * base, np.random.default_rng(SEED))
    return Claim(
        measure=f"recall@10, also {kind}, {name}",
        data=DATA,
        protocol=PROTOCOL,
        ours=float(mine.mean()),
        interval=(above.low, above.high),
        baselines={other: float(np.nanmean(found[other][kind])) for other in ("plain cosine", "popularity")},
        must="+20 % over the plain cosine",
        goal="+40 %",
        met=bool(mine.mean() >= OWED * base.mean()),
        seeds=(SEED,),
        cpu_seconds=round(spent[name], 1),
        machine=machine(),
        commit=commit(),
    )


def _unmixed(found: Mapping[str, Mapping[str, Floats]], shared: float, cpu_seconds: float) -> Claim:
    """Of what is in one list only, each model is to find more of its own kind, and most of the lists is to differ."""
    lead = {
        kind: float(np.nanmean(found[name][f"only {kind}"]) / np.nanmean(found[other][f"only {kind}"]) - 1)
        for kind, name, other in (
            ("bought", "bought_together", "item_item"),
            ("viewed", "item_item", "bought_together"),
        )
    }
    return Claim(
        measure="share of the ten similar products that are also among the ten bought together",
        data=DATA,
        protocol=(
            f"{PROTOCOL}; unmixed: each finds more than the other of what only its own truth holds, and less than half "
            "of their top tens is the same"
        ),
        ours=shared,
        interval=None,
        baselines={f"lead on what was only {kind}": value for kind, value in lead.items()},
        must="the two lists do not mix",
        goal="the two lists do not mix",
        met=min(lead.values()) > 0 and shared < 0.5,
        seeds=(SEED,),
        cpu_seconds=round(cpu_seconds, 1),
        machine=machine(),
        commit=commit(),
    )


def _table(found: Mapping[str, Mapping[str, Floats]], spent: Mapping[str, float]) -> str:
    kinds = ("bought", "viewed", "only bought", "only viewed")
    lines = [
        f"| recommender | {' | '.join(f'also {kind}' if ' ' not in kind else kind for kind in kinds)} | fit, CPU-s |",
        f"| --- |{' ---: |' * (len(kinds) + 1)}",
    ]
    for name, measured in found.items():
        cells = [f"{np.nanmean(measured[kind]):.4f}" for kind in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} | {spent[name]:.1f} |")
    return "\n".join(lines)


def _words(claims: list[Claim], lists: Lists, shared: float) -> str:
    gains = [
        f"{claim.measure}: {100 * (claim.ours / claim.baselines['plain cosine'] - 1):+.0f} % over the plain cosine "
        f"(must {100 * (OWED - 1):.0f}, goal {100 * (AIMED - 1):.0f})"
        for claim in claims[:2]
    ]
    both = [
        len(np.intersect1d(bought, viewed)) / len(viewed)
        for bought, viewed in zip(lists.also["bought"], lists.also["viewed"], strict=True)
        if len(viewed)
    ]
    return (
        f"{'; '.join(gains)}. Of a viewed list {np.mean(both):.0%} stand in the bought list as well, so the "
        f"truths overlap; the two answers share {shared:.0%} of their ten products."
    )


if __name__ == "__main__":
    app()

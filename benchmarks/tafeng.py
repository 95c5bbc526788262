"""Next baskets of Ta-Feng in the files of "A next basket recommendation reality check", key sets 1 to 4.

    python -m benchmarks.tafeng DATA             # the folder with tafeng_history.json
    python -m benchmarks.tafeng DATA --tune 12   # tries settings on validation customers, and evaluates nothing

Li, Jullien, Ariannezhad and de Rijke (TOIS 2023): a customer's baskets in order, without dates; the future basket is to
be foreseen. Nobody's future basket is learned from, so one fit serves all key sets; figures are means over the test
customers of the four, who overlap. Settings are chosen on those validation customers whom no key set tests.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import peer
from benchmarks.claim import ROOT, machine, replace_section, write
from benchmarks.entrants import fit, over_seeds
from benchmarks.next_basket import ENTRANTS, Bar, Baskets, baselines, claims, exam, personal_top, table, whole_basket
from models.arrays import Codes, codes_of
from training.evaluate import evaluate

DATA = "Ta-Feng, Reality Check form: 13,858 customers, 11,997 products"
BAR = Bar(must={"recall@10": 0.140, "ndcg@10": 0.118}, goal={"recall@10": 0.160, "ndcg@10": 0.130})
KEY_SETS = (1, 2, 3, 4)
STEP = 7.0
"""Baskets have an order and no days: one a week, the last of everybody before the same day."""
HALF_LIFE = 13.5 * STEP
"""A decay of .95 a basket."""
PEERS = ("cornac TIFUKNN", "cornac UPCF")

app = typer.Typer(add_completion=False)
console = Console(width=160)


@app.command()
def main(
    data: Annotated[Path, typer.Argument(help="folder with tafeng_history.json, tafeng_future.json and key sets")],
    peers_venv: Annotated[Path, typer.Option(help="where peers' environments are, or are made")] = Path("var/peers"),
    tune: Annotated[int, typer.Option(help="settings of each peer to try on validation customers instead")] = 0,
    budget: Annotated[float, typer.Option(help="CPU-seconds of a peer's tuning")] = 600.0,
) -> None:
    """Measure, print, write."""
    baskets = read(data)
    if tune:
        asked = validation_customers(data, baskets)
        prepared = exam(baskets, asked)
        peer.tune("tafeng", PEERS, prepared, asked, peers_venv, tune, budget, "repeats allowed")
        return
    tests = [_codes(baskets, data, number, "test") for number in KEY_SETS]
    asked, repeated = np.unique(np.concatenate(tests), return_counts=True)
    prepared = exam(baskets, asked.astype(np.int32))
    fitted = fit(prepared.train, ENTRANTS)
    others = peer.entrants("tafeng", PEERS, prepared, asked.astype(np.int32), peers_venv)
    simple = {name: recipe.fit(prepared.train) for name, recipe in baselines(HALF_LIFE).items()}
    simple["P-TopFreq"] = personal_top(prepared, asked.astype(np.int32))
    judged = over_seeds(evaluate({**fitted.models, **others.models}, simple, prepared.holdout))
    evaluation = whole_basket(judged, prepared.holdout)
    spent = {**fitted.cpu_seconds, **others.cpu_seconds}
    protocol = (
        f"key sets 1 to 4, {len(asked):,} different test customers; no dates, so a basket a week; settings of peers "
        "chosen on validation customers, ours are the defaults; leave-last-basket, full ranking, ties by id; NDCG over "
        "the ideal of the whole basket, as the Reality Check has it"
    )
    weights = repeated.astype(np.float64)
    found = claims(evaluation, BAR, DATA, protocol, sum(fitted.cpu_seconds.values()), weights)
    order = [*simple, *PEERS, *reversed(ENTRANTS)]
    text = f"{DATA}; {protocol}. {machine()}.\n\n{table(evaluation, order, spent, weights)}"
    console.print(text, markup=False)
    write(found, "recommenders", "tafeng")
    replace_section(ROOT / "README.md", "tafeng", text)


def read(data: Path) -> Baskets:
    """Histories and the basket after each as lines, with a made-up day for every basket."""
    history, future = (json.loads((data / f"tafeng_{part}.json").read_text()) for part in ("history", "future"))
    customers, items, days = [], [], []
    ids = sorted(history)
    for code, customer in enumerate(ids):
        baskets = [*history[customer][1:-1], *future[customer][1:-1]]
        for back, basket in enumerate(reversed(baskets)):
            distinct = sorted(set(basket))
            customers += [code] * len(distinct)
            items += distinct
            days += [-back * STEP] * len(distinct)
    count = max(items) + 1
    return Baskets(
        customers=np.array(customers, np.int32),
        items=np.array(items, np.int32),
        days=np.array(days) + 10_000.0,
        item_ids=np.array([f"{item:05d}" for item in range(count)], object),
        customer_ids=np.array(ids, object),
    )


def validation_customers(data: Path, baskets: Baskets) -> Codes:
    """Those whom some key set validates and none tests."""
    validated, tested = (
        np.concatenate([_codes(baskets, data, number, part) for number in KEY_SETS]) for part in ("val", "test")
    )
    return np.setdiff1d(validated, tested).astype(np.int32)


def _codes(baskets: Baskets, data: Path, number: int, part: str) -> NDArray[np.int32]:
    named = json.loads((data / f"tafeng_keyset_{number}.json").read_text())[part]
    return codes_of(named, baskets.customer_ids)


if __name__ == "__main__":
    app()

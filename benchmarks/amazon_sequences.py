"""The last review of a customer from those before it: Amazon Beauty, Sports and Toys, leave-one-out, full ranking.

    python -m benchmarks.amazon_sequences ../shared/data

Everything is learned without the last two items of anybody: the last is asked for, the one before it was what
configurations were chosen by and stands in the history only, as in the tables compared with. Leave-one-out looks into
the future of other customers, so this compares with published tables and says nothing about a shop.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.sequences import SECOND, Asked, above, ask, interactions, thinned
from models.arrays import Floats
from models.recommenders.blend import Blend
from models.recommenders.combinator import FittedCombinator
from models.recommenders.sasrec import SASRec
from models.recommenders.sequence_rules import SequenceRules
from models.recommenders.session_knn import SessionKNN
from training.bootstrap import Interval

K, SEED = 10, 7
OURS = "blend"
RECIPE = Blend(
    sources=(
        SequenceRules(repeats=False),
        SessionKNN(),
        SASRec(blocks=1, heads=1, length=20, epochs=12, batch=128, negatives=256, dropout=0.5),
    ),
    weights=(1.0, 1.0, 2.0),
    evenness=10.0,
)
FILES = {"Beauty": "Beauty", "Sports": "Sports_and_Outdoors", "Toys": "Toys_and_Games"}
MEASURES: Mapping[str, Callable[[Asked], Floats]] = {"Recall@10": Asked.hit, "NDCG@10": Asked.gain}
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "Beauty": {
        "eSASRec": (0.0928, 0.0523),
        "SASRec, sampled softmax": (0.0921, 0.0531),
        "rules + kNN": (0.0869, 0.0550),
    },
    "Sports": {
        "eSASRec": (0.0560, 0.0323),
        "SASRec, sampled softmax": (0.0569, 0.0314),
        "rules + kNN": (0.0516, 0.0320),
    },
    "Toys": {"eSASRec": (0.0939, 0.0538), "SASRec, sampled softmax": (0.0970, 0.0580), "rules + kNN": (0.0995, 0.0652)},
}

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Judged:
    """Answers by model for one set, and CPU-seconds of the whole fit."""

    name: str
    asked: Mapping[str, Asked]
    customers: int
    products: int
    fit_seconds: float


@app.command()
def main(
    data: Annotated[Path, typer.Argument(help="folder with amazon_sequences")],
    most: Annotated[int, typer.Option(help="customers asked, drawn with a seed; 0 for all")] = 10_000,
    validate: Annotated[bool, typer.Option(help="ask for the last but one, and write nothing")] = False,
) -> None:
    """Measure, print, write."""
    judged: list[Judged] = []
    for name, file in FILES.items():
        judged.append(_judge(name, data / "amazon_sequences" / f"{file}.txt", most, validate))
        text = _text(judged)
        console.print(text, markup=False)
    if not validate:
        write([claim for one in judged for claim in _claims(one)], "recommenders", "amazon_sequences")
        replace_section(ROOT / "README.md", "amazon_sequences", text)


def _judge(name: str, file: Path, most: int, validate: bool) -> Judged:
    customers = [[int(item) for item in line.split()[1:]] for line in file.read_text().splitlines()]
    train = interactions([steps[:-2] for steps in customers])
    last = -2 if validate else -1
    cases = thinned([(steps[:last], steps[last]) for steps in customers], most or len(customers), SEED)
    started = time.process_time()
    blend = RECIPE.fit(train)
    spent = time.process_time() - started
    sources = blend.sources if isinstance(blend, FittedCombinator) else ()
    day = train.until + SECOND
    asked = {model.name: ask(model, cases, K, day, new_only=True) for model in (*sources, blend)}
    return Judged(name, asked, len(cases), len(train.item_ids), spent)


def _values(judged: Judged, place: int, of: Callable[[Asked], Floats]) -> tuple[dict[str, float], str, float]:
    """All figures but ours, and the best published one."""
    published = {name: figures[place] for name, figures in PUBLISHED[judged.name].items()}
    best = max(published, key=lambda name: published[name])
    own = {name: float(of(asked).mean()) for name, asked in judged.asked.items() if name != OURS}
    return {**published, **own}, best, published[best]


def _against(values: Floats, best: float) -> Interval:
    """Ours less a published figure, whose own error nobody knows."""
    return above(values, 0 * values + best)


def _claims(judged: Judged) -> list[Claim]:
    found = []
    for place, (measure, of) in enumerate(MEASURES.items()):
        ours = of(judged.asked[OURS])
        baselines, best, figure = _values(judged, place, of)
        gap = _against(ours, figure)
        found.append(
            Claim(
                measure=measure,
                data=f"Amazon {judged.name}",
                protocol=f"{_protocol(judged)}; interval: difference to {best} as published",
                ours=float(ours.mean()),
                interval=(gap.low, gap.high),
                baselines=baselines,
                must="4 of the 6 best with one configuration",
                goal="all 6, < 60 CPU-s each",
                met=bool(ours.mean() > figure),
                seeds=(SEED,),
                cpu_seconds=round(judged.fit_seconds, 1),
                machine=machine(),
                commit=commit(),
            )
        )
    return found


def _protocol(judged: Judged) -> str:
    return (
        f"leave-one-out, learned without the last two of each, {judged.customers:,} customers, full ranking over "
        f"{judged.products:,} products less those had, ties by id"
    )


def _text(judged: Sequence[Judged]) -> str:
    lines = ["| data | recommender | Recall@10 | NDCG@10 | query, CPU-ms |", "| --- | --- | ---: | ---: | ---: |"]
    won = 0
    for one in judged:
        for name, figures in PUBLISHED[one.name].items():
            lines.append(f"| {one.name} | {name}, published | {figures[0]:.4f} | {figures[1]:.4f} | |")
        for name, asked in one.asked.items():
            cells = [f"{of(asked).mean():.4f}" for of in MEASURES.values()]
            if name == OURS:
                gaps = [_against(of(asked), _values(one, place, of)[2]) for place, of in enumerate(MEASURES.values())]
                won += sum(gap.mean > 0 for gap in gaps)
                cells = [
                    f"**{cell}** ({gap.low:+.4f} to {gap.high:+.4f})" for cell, gap in zip(cells, gaps, strict=True)
                ]
            lines.append(f"| {one.name} | {name} | {' | '.join(cells)} | {asked.cpu_ms:.2f} |")
    words = "; ".join(f"{one.name}: {_protocol(one)}, fit {one.fit_seconds:.0f} CPU-s" for one in judged)
    return (
        f"{words}. {machine()}.\n\n"
        + "\n".join(lines)
        + f"\n\nAbove the best published figure in {won} of 6. In brackets: "
        "the 95 % interval of the difference to it, over the customers asked; the published figures come without one."
    )


if __name__ == "__main__":
    app()

"""The next click of a session: Diginetica, YooChoose and Tmall, repeats allowed, full ranking.

    python -m benchmarks.sessions ../shared/data

One blend with its defaults, its shares learned from the last tenth of each set's training sessions; no figure of the
test sessions was looked at when the defaults were chosen. Writes `results/recommenders.json` (part sessions) and the
section of `README.md`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.sequences import SECOND, Asked, Steps, above, ask, interactions, thinned
from models.arrays import Floats
from models.recommenders.base import Interactions
from models.recommenders.blend import Blend, FittedBlend
from models.recommenders.popularity import Popularity

K, MOST, SEED = 20, 10_000, 0
OURS, SUM = "blend", "fixed sum"
MEASURES: Mapping[str, Callable[[Asked], Floats]] = {"HR@20": Asked.hit, "MRR@20": Asked.reciprocal}
PUBLISHED = {"HR@20": ("GCE-GNN (remembered)", 0.54), "MRR@20": ("GCE-GNN (remembered)", 0.19)}

app = typer.Typer(add_completion=False)
console = Console(width=140)


@dataclass(frozen=True)
class Exam:
    """Training sessions as interactions, and the prefixes with the click that followed."""

    name: str
    train: Interactions
    cases: Sequence[tuple[Steps, int]]
    total: int


@dataclass(frozen=True)
class Judged:
    """Answers by model, CPU-seconds of the blend's fit."""

    exam: Exam
    asked: Mapping[str, Asked]
    fit_seconds: float


@app.command()
def main(data: Annotated[Path, typer.Argument(help="folder with diginetica, yoochoose and tmall")]) -> None:
    """Measure, print, write."""
    exams = (_split(data, "diginetica", "diginetica"), _clicks(data), _split(data, "tmall", "Tmall"))
    judged = [_judge(exam) for exam in exams]
    claims = [claim for one in judged for claim in _claims(one)]
    text = _text(judged)
    console.print(text, markup=False)
    write(claims, "recommenders", "sessions")
    replace_section(ROOT / "README.md", "sessions", text)


def _split(data: Path, folder: str, name: str) -> Exam:
    """The published split: sessions in the order of time, test prefixes with their targets."""
    train = pq.read_table(data / folder / f"{name}_train.parquet")["items"].to_pylist()
    test = pq.read_table(data / folder / f"{name}_test.parquet")
    cases = list(zip(test["prefix"].to_pylist(), test["target"].to_pylist(), strict=True))
    return Exam(name.capitalize(), interactions(train), thinned(cases, MOST, SEED), len(cases))


def _clicks(data: Path) -> Exam:
    """Clicks with their times: six days to learn from, the seventh asked step by step."""
    parts = []
    for name in ("train", "validation"):
        table = pq.read_table(data / "yoochoose" / f"{name}_events.parquet")
        sessions, items = table["session_id"].to_numpy(), table["item_id"].to_numpy()
        days = table["timestamp"].to_numpy().astype("datetime64[ns]").astype(np.int64) / 86_400e9
        order = np.lexsort((days, sessions))
        bounds = np.flatnonzero(np.diff(sessions[order])) + 1
        parts.append((np.split(items[order], bounds), np.array([part[0] for part in np.split(days[order], bounds)])))
    (train, starts), (test, _) = parts
    cases = [(steps[:place].tolist(), int(steps[place])) for steps in test for place in range(1, len(steps))]
    train_steps = [steps.tolist() for steps in train]
    return Exam("YooChoose", interactions(train_steps, starts), thinned(cases, MOST, SEED), len(cases))


def _judge(exam: Exam) -> Judged:
    started = time.process_time()
    blend = cast(FittedBlend, Blend().fit(exam.train))
    spent = time.process_time() - started
    even = np.zeros_like(blend.shares)
    even[:, : len(blend.sources)] = 1 / len(blend.sources)
    models = {
        "popularity": Popularity().fit(exam.train),
        **{source.name: source for source in blend.sources},
        SUM: FittedBlend(blend.recipe, blend.sources, even),
        OURS: blend,
    }
    day = exam.train.until + SECOND
    return Judged(exam, {name: ask(model, exam.cases, K, day) for name, model in models.items()}, spent)


def _claims(judged: Judged) -> list[Claim]:
    found = []
    mine = judged.asked[OURS]
    for measure, of in MEASURES.items():
        values = {name: float(of(asked).mean()) for name, asked in judged.asked.items()}
        ours = values.pop(OURS)
        best = _best(judged, of)
        if judged.exam.name == "Diginetica":
            values[PUBLISHED[measure][0]] = PUBLISHED[measure][1]
            must = "above sequence rules and session kNN"
            goal = "above GCE-GNN" if measure == "MRR@20" else "within 5 % of GCE-GNN"
            met = ours > max(values["sequence_rules"], values["session_knn"])
        else:
            must, goal, met = (
                "at least the best of the four beside it",
                "+5 % over it, < 1 CPU-ms",
                ours >= values[best],
            )
        interval = above(of(mine), of(judged.asked[best]))
        found.append(
            Claim(
                measure=measure,
                data=judged.exam.name,
                protocol=f"{_protocol(judged.exam)}; interval: difference to {best}",
                ours=ours,
                interval=(interval.low, interval.high),
                baselines=values,
                must=must,
                goal=goal,
                met=bool(met),
                seeds=(SEED,),
                cpu_seconds=round(judged.fit_seconds, 1),
                machine=machine(),
                commit=commit(),
            )
        )
    found.append(
        Claim(
            measure="CPU-ms a query",
            data=judged.exam.name,
            protocol=f"{_protocol(judged.exam)}; asked one by one",
            ours=round(mine.cpu_ms, 2),
            interval=None,
            baselines={name: round(asked.cpu_ms, 2) for name, asked in judged.asked.items() if name != OURS},
            must=None,
            goal="< 1 CPU-ms",
            met=None,
            seeds=(SEED,),
            cpu_seconds=round(judged.fit_seconds, 1),
            machine=machine(),
            commit=commit(),
        )
    )
    return found


def _protocol(exam: Exam) -> str:
    sample = "all" if len(exam.cases) == exam.total else f"{len(exam.cases):,} drawn (seed {SEED}) of"
    return (
        f"next click, repeats allowed, {sample} {exam.total:,} test prefixes, full ranking over "
        f"{len(exam.train.item_ids):,} products, ties by id"
    )


def _best(judged: Judged, of: Callable[[Asked], Floats]) -> str:
    """The best model beside ours."""
    return max((name for name in judged.asked if name != OURS), key=lambda name: float(of(judged.asked[name]).mean()))


def _bold(judged: Judged, of: Callable[[Asked], Floats]) -> str:
    mine, other = of(judged.asked[OURS]), of(judged.asked[_best(judged, of)])
    gap = above(mine, other)
    return f"**{mine.mean():.4f}** ({gap.low:+.4f} to {gap.high:+.4f})"


def _text(judged: Sequence[Judged]) -> str:
    lines = ["| data | recommender | HR@20 | MRR@20 | query, CPU-ms |", "| --- | --- | ---: | ---: | ---: |"]
    for one in judged:
        for name, asked in one.asked.items():
            cells = [f"{of(asked).mean():.4f}" for of in MEASURES.values()]
            if name == OURS:
                cells = [_bold(one, of) for of in MEASURES.values()]
            lines.append(f"| {one.exam.name} | {name} | {' | '.join(cells)} | {asked.cpu_ms:.2f} |")
    words = "; ".join(f"{one.exam.name}: {_protocol(one.exam)}, fit {one.fit_seconds:.0f} CPU-s" for one in judged)
    return (
        f"{words}. {machine()}.\n\n"
        + "\n".join(lines)
        + "\n\nIn brackets: the 95 % interval of the paired difference to "
        "the best other model of the column, over prefixes."
    )


if __name__ == "__main__":
    app()

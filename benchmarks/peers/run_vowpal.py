"""Vowpal Wabbit in a made shop: contextual bandits with action-dependent features, played like every policy.

python -m benchmarks.peers.run_vowpal TASK ANSWER     # JSON files; runs in the environment of bandits.lock

The task is {"worlds", "setting", "options"}; the answer has the shares of each world and the decisions a CPU-second.
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vowpalwabbit import pyvw

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from models.policies.floor import floored
from models.policies.logged import LoggedDecisions
from training.simulator.play import Setting, play
from training.simulator.world import World

_SPACES = "CDHWAI"
"""A namespace for each factor, which is crossed with the context's, U."""

_UNIT = 20.0
"""What an order earns, about: costs should be near 1."""


@dataclass(frozen=True)
class FittedVowpal:
    """A workspace, which learns in place; `usual` and `spread` (names) make contexts alike in size."""

    workspace: Any
    name: str = "vowpal"
    scale: dict[str, Floats] = field(default_factory=dict)

    def _lines(self, contexts: Contexts, eligible: Eligible) -> tuple[list[str], list[str]]:
        if not self.scale:
            self.scale["usual"] = np.nanmean(contexts.values, axis=0)
            self.scale["spread"] = np.nanstd(contexts.values, axis=0) + 1e-9
        values = np.nan_to_num(np.clip((contexts.values - self.scale["usual"]) / self.scale["spread"], -4, 4))
        names = [f"c_{name}" for name in contexts.names]
        shared = [
            "shared |U " + " ".join(f"{name}:{value:.4f}" for name, value in zip(names, row, strict=True))
            for row in values.tolist()
        ]
        actions = []
        for row in eligible.codes.tolist():
            parts = [
                f"|{space} {name}={eligible.labels[place][row[place]]}"
                for place, (space, name) in enumerate(zip(_SPACES, FACTORS, strict=True))
                if row[place] >= 0
            ]
            actions.append(" ".join(parts) or "|S silence")
        return shared, actions

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """VW's own, on top of the floors that all policies have."""
        shared, actions = self._lines(contexts, eligible)
        found = []
        for number, line in enumerate(shared):
            rows = actions[eligible.starts[number] : eligible.starts[number + 1]]
            found.append(np.maximum(self.workspace.predict([line, *rows]), 0.0))
        wide = np.concatenate(found)
        return floored(wide / eligible.total(wide)[eligible.decisions], eligible)

    def updated(self, log: LoggedDecisions) -> "FittedVowpal":
        """Itself, having learned."""
        shared, actions = self._lines(log.contexts, log.eligible)
        starts = log.eligible.starts
        for number, line in enumerate(shared):
            rows = actions[starts[number] : starts[number + 1]]
            taken = int(log.chosen[number] - starts[number])
            cost, chance = -log.rewards[number] / _UNIT, log.propensities[number]
            rows[taken] = f"0:{cost:.5f}:{chance:.6f} {rows[taken]}"
            self.workspace.learn([line, *rows])
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """None: a referee is not published."""
        return {}


@dataclass(frozen=True)
class Vowpal:
    """The recipe: VW's own command line."""

    name: ClassVar[str] = "vowpal"
    options: str = "--squarecb --gamma_scale 1000"

    def fit(self, log: LoggedDecisions | None = None) -> FittedVowpal:
        """A workspace that has seen `log`, if anything."""
        crossed = " ".join(f"-q U{space}" for space in _SPACES)
        crossed += " -q CD -q CA -q CI -q DH"
        workspace = pyvw.Workspace(f"--cb_explore_adf {self.options} {crossed} --quiet --random_seed 7")
        fitted = FittedVowpal(workspace)
        return fitted if log is None else fitted.updated(log)

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedVowpal:
        """Not for a referee."""
        raise NotImplementedError("a referee is not published")


def main() -> None:
    """Play and answer."""
    task = json.loads(Path(sys.argv[1]).read_text())
    setting = Setting(**task["setting"], refits=())
    answer = []
    for seed, population in task["worlds"]:
        played = play(Vowpal(task["options"]), [World(seed)], population, setting)
        share, last, speed = played.share(), played.last_quarter, played.speed
        answer.append({"share": share, "last_quarter": last, "speed": speed})
        sys.stdout.write(f"{task['options']} {answer[-1]} {asdict(setting)['decisions']}\n")
        sys.stdout.flush()
    Path(sys.argv[2]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()

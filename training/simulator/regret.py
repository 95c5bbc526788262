"""What decisions of a live service were worth in a made shop, beside the best that was open to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from models.arrays import Floats, Ids
from models.policies.contexts import Contexts
from models.policies.rule import certain
from training.policy.journal import Journal
from training.simulator.optimum import silence_values
from training.simulator.world import World


@dataclass(frozen=True)
class Regret:
    """Of each decision (n): who decided, and the exact expected rewards: of its probabilities, silence, the best."""

    arms: Ids
    values: Floats
    silent: Floats
    best: Floats

    def share(self, arm: str = "policy", part: slice = slice(None)) -> float | None:
        """The share of the attainable lift that an arm earned; None where it decided nothing."""
        mine = np.flatnonzero(self.arms == arm)[part]
        attainable = float((self.best[mine] - self.silent[mine]).sum())
        return float((self.values[mine] - self.silent[mine]).sum()) / attainable if attainable else None

    def told(self) -> dict[str, Any]:
        """By arm, and for the policy by quarter of its decisions."""
        count = int((self.arms == "policy").sum())
        edges = np.linspace(0, count, 5).astype(int)
        quarters = [self.share(part=slice(int(low), int(high))) for low, high in pairwise(edges)]
        arms = {str(arm): self.share(str(arm)) for arm in np.unique(self.arms)}
        return {
            "decisions": len(self.arms),
            "regret_a_decision": float((self.best - self.values).mean()),
            "share_of_lift_by_arm": arms,
            "share_of_lift_by_quarter": quarters,
        }

    def plot(self, path: Path) -> None:
        """Cumulative regret of the policy, beside that of saying nothing to the same customers."""
        mine = self.arms == "policy"
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for name, values in (("policy", self.values), ("silence", self.silent)):
            axes.plot(np.cumsum((self.best - values)[mine]), label=name)
        axes.set(xlabel="decisions of the policy", ylabel="cumulative regret", title="Regret against the known optimum")
        axes.legend()
        figure.savefig(path, dpi=110)


def regret(world: World, contexts: Sequence[Contexts], decided: Sequence[Journal]) -> Regret:
    """The regret of decisions about customers of `world`; each of `contexts` has the rows of its journal."""
    arms, values, silent, best = [], [], [], []
    for known, part in zip(contexts, decided, strict=True):
        truth = world.values(known, part.eligible)
        policy = (part.texts("arm") == "policy")[part.eligible.decisions]
        taken = certain(part.chosen, part.eligible)
        arms.append(part.texts("arm"))
        values.append(part.eligible.total(np.where(policy, part.logging, taken) * truth))
        silent.append(silence_values(part.eligible, truth))
        best.append(part.eligible.most(truth))
    return Regret(np.concatenate(arms), np.concatenate(values), np.concatenate(silent), np.concatenate(best))

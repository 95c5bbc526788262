"""Series of messages in made shops: decided message by message, against the best series that is the same for all.

    python -m benchmarks.decision_series

A policy that learns lives through 20,000 episodes of up to four decisions, the first 5,000 by chance alone, and is
fitted anew after each 5,000. Every value is exact, by dynamic programming over 2,000 other customers; the best fixed
series of three messages is found with the truth known, among 1,728, and stops at a purchase too.
"""

import time

import numpy as np
import typer

from benchmarks.claim import write
from benchmarks.decision_worlds import JUDGED, claim, console, interval
from models.policies.base import FittedPolicy
from models.policies.factored import Factored
from models.policies.sequential import Sequential
from models.policies.uniform import Uniform
from training.simulator.customers import contexts
from training.simulator.logs import joined
from training.simulator.series import Series
from training.simulator.series_optimum import Worth, best, best_fixed, of_policy, silence
from training.simulator.series_play import live

WORLDS = JUDGED[:5]
EPISODES, EACH, ASKED = 20_000, 5_000, 2_000
DATA = "made shops 61 to 65 with episodes: four decisions two days apart, 12 messages and silence at each"


def learned(series: Series, population: int) -> FittedPolicy:
    """The sequential policy after `EPISODES` of its own."""
    policy: FittedPolicy = Uniform().fit()
    recipe, logs = Sequential(Factored()), []
    for first in range(0, EPISODES, EACH):
        rng = np.random.default_rng([population, first])
        logs.append(live(series, policy, contexts(rng, EACH), rng, first).log)
        policy = recipe.fit(joined(logs))
    return policy


def main() -> None:
    """Learn, judge, write the rows."""
    began = time.process_time()
    rows: list[dict[str, Worth]] = []
    for seed in WORLDS:
        series, customers = Series.of(seed), contexts(np.random.default_rng([seed, 7]), ASKED)
        fixed, named = best_fixed(series, customers)
        rows.append(
            {
                "sequential": of_policy(series, customers, learned(series, 300 + seed)),
                "best fixed three": fixed,
                "best fixed one": best_fixed(series, customers, 1)[0],
                "silence": silence(series, customers),
                "optimum": best(series, customers),
            }
        )
        console.print(f"world {seed}: {rows[-1]}; {named}", markup=False)
    gain = np.array([row["sequential"].reward / row["best fixed three"].reward - 1 for row in rows])
    fewer = np.array([1 - row["sequential"].messages / row["best fixed three"].messages for row in rows])
    means = {f"{name}, reward": float(np.mean([row[name].reward for row in rows])) for name in rows[0]}
    means |= {f"{name}, messages": float(np.mean([row[name].messages for row in rows])) for name in rows[0]}
    protocol = "20,000 episodes to learn from, floors included; exact values; net reward counts organic orders too"
    more = {"data": DATA, "seeds": WORLDS, "protocol": protocol, "baselines": means}
    write(
        [
            claim(
                "net value over the best fixed three-message series",
                float(gain.mean()),
                interval(gain),
                ">= .10",
                bool(gain.mean() >= 0.10),
                began,
                **more,
            ),
            claim(
                "messages saved against the best fixed three-message series",
                float(fewer.mean()),
                interval(fewer),
                ">= .25",
                bool(fewer.mean() >= 0.25),
                began,
                **more,
            ),
        ],
        "decisions",
        "series",
    )


if __name__ == "__main__":
    typer.run(main)

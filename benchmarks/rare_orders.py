"""Made worlds of rare orders and small groups: how often the intervals of Uplift miss what is true.

    python -m benchmarks.rare_orders

Customers of different tastes buy rarely, for very different amounts, before and after a draw that gives a few of them
nothing; those of the first group spend .1 more. Missed is a world where an interval excludes that: the one for a
single look at its end, the always-valid one at any time. Beside ours the same intervals that believe each group's own
variance.
"""

import time
from collections.abc import Iterator

import numpy as np
from rich.console import Console
from scipy import stats

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from models.arrays import Floats, Mask
from models.off_policy.confidence_sequence import normal_mixture
from models.off_policy.cuped import adjusted, foretold, sequence

WORLDS, CUSTOMERS, TRUTH = 400, 6_000, 0.1
SHARES, RATES = (0.5, 0.8, 0.95, 0.98), (0.3, 0.1, 0.05)
"""Of the first group, and orders a customer."""
ONCE, ALWAYS = "one look", "always valid"
OWN = "each group's own variance"
PROTOCOL = f"{WORLDS} made worlds of {CUSTOMERS:,} customers for each share of the first group and rate of orders"

console = Console(width=160)
Missed = dict[str, tuple[bool, bool]]
"""By kind of interval: ours, and that of the groups' own variance."""


def main() -> None:
    """Measure, print, write."""
    started = time.process_time()
    cells = {(share, rate): shares(share, rate) for share in SHARES for rate in RATES}
    spent = round(time.process_time() - started, 1)
    text = f"{PROTOCOL}; share of worlds missed, 5 % being owed. {machine()}.\n\n{table(cells)}"
    console.print(text, markup=False)
    write([_claim(kind, cells, spent) for kind in (ONCE, ALWAYS)], "decisions", "rare_orders")
    replace_section(ROOT / "README.md", "rare_orders", text)


def shares(share: float, rate: float) -> dict[str, tuple[float, float]]:
    """The share of worlds that each interval misses."""
    found = [missed(*world, share) for world in worlds(share, rate)]
    return {
        kind: (float(np.mean([one[kind][0] for one in found])), float(np.mean([one[kind][1] for one in found])))
        for kind in (ONCE, ALWAYS)
    }


def worlds(share: float, rate: float) -> Iterator[tuple[Floats, Floats, Mask]]:
    """What customers spent after the draw and before it, and who is in the first group."""
    for seed in range(WORLDS):
        rng = np.random.default_rng([seed, 7])
        taste, first = rng.gamma(1.0, 1.0, CUSTOMERS), rng.random(CUSTOMERS) < share
        past, values = (rng.poisson(k * rate * taste) * rng.lognormal(0.0, 0.8, CUSTOMERS) for k in (3, 1))
        yield values + TRUTH * first, past, first


def missed(values: Floats, past: Floats, first: Mask, share: float) -> Missed:
    """Whether the intervals of one world exclude what is true."""
    once, looked = adjusted(values, past, first).plain, sequence(values, past, first, share)
    welch = stats.ttest_ind(values[first], values[~first], equal_var=False).confidence_interval()
    own = normal_mixture(np.where(first, 1 / share, -1 / (1 - share)) * (values - foretold(values, past)))
    return {
        ONCE: (not once.low <= TRUTH <= once.high, not welch.low <= TRUTH <= welch.high),
        ALWAYS: (_ever(looked.low, looked.high), _ever(own.low, own.high)),
    }


def table(cells: dict[tuple[float, float], dict[str, tuple[float, float]]]) -> str:
    """A row for each share and rate."""
    lines = [
        f"| share of the first group | orders a customer | {ONCE} | {OWN} | {ALWAYS} | {OWN} |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (share, rate), found in cells.items():
        told = " | ".join(f"{value:.1%}" for kind in (ONCE, ALWAYS) for value in found[kind])
        lines.append(f"| {share} | {rate} | {told} |")
    return "\n".join(lines)


def _ever(low: Floats, high: Floats) -> bool:
    return bool(((low > TRUTH) | (high < TRUTH)).any())


def _claim(kind: str, cells: dict[tuple[float, float], dict[str, tuple[float, float]]], spent: float) -> Claim:
    ours, own = (max(found[kind][place] for found in cells.values()) for place in range(2))
    return Claim(
        measure=f"rare orders in small groups, {kind}: worlds missed, the worst of {len(cells)} cells",
        data=f"groups of {', '.join(map(str, SHARES))}, {', '.join(map(str, RATES))} orders a customer",
        protocol=PROTOCOL,
        ours=ours,
        interval=None,
        baselines={OWN: own},
        must=None,
        goal=None,
        met=None,
        seeds=(0, WORLDS - 1),
        cpu_seconds=spent,
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    main()

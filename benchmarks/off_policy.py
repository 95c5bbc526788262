"""The gate of policies where the truth is known: what it lets in, what it keeps out, how near its estimates are.

    python -m benchmarks.off_policy [--null 300] [--better 120] [--worlds 5]

A made shop with 24 messages and 4.3 % orders; the reward is an order, 20,000 decisions a log, 5 % floor. The logging
policy learned from a few random decisions; candidates are frozen before the log begins, but for those that learn from
it. Contexts and probabilities of a pair of policies are worked out once for a pool, of which each log is a sample, so
that the truth is exact.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.stats import binomtest

from benchmarks.claim import Claim, commit, machine, write
from models.arrays import Floats, Mask
from models.policies.base import choose
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.factored import Factored
from models.policies.floor import floored
from models.policies.gap_weighting import gap_weighted
from models.policies.logged import LoggedDecisions
from models.policies.uniform import Uniform
from training.policy.gate import Candidate, judge
from training.policy.value import Compared
from training.policy.verdict import Verdict
from training.simulator.world import World

DECISIONS = 20_000
_CONSOLE = Console(markup=False, highlight=False, soft_wrap=True)
_POOL = 30_000
_FIRST_WORLD = 960
_TAUGHT = 1_500
"""The decisions at random that who decides has learned from: few, so it is sure of some things that are wrong."""

_PEAK, _UPLIFT, _EFFECTIVE = 0.6, 0.2, 0.05
_DATA = "made shop: 24 messages, 4.3 % orders, reward is an order"


@dataclass(frozen=True)
class Pool:
    """Customers with the truth about them: the chance of an order after each row."""

    known: Contexts
    eligible: Eligible
    orders: Floats

    @classmethod
    def of(cls, world: World, rng: np.random.Generator, size: int = _POOL) -> "Pool":
        """Drawn once."""
        known, eligible = world.contexts(rng, size)
        return cls(known, eligible, world.purchases(known, eligible))

    def value(self, probabilities: Floats) -> float:
        """What a policy earns a decision."""
        return float(self.eligible.total(probabilities * self.orders).mean())

    def log(self, rng: np.random.Generator, logging: Floats, size: int) -> tuple[LoggedDecisions, Mask]:
        """A log of `size` decisions drawn from the pool, and which rows of the pool are its."""
        some = np.sort(rng.choice(len(self.known), size, replace=size > len(self.known)))
        rows = np.isin(self.eligible.decisions, some)
        eligible = self.eligible.take(some)
        chosen = choose(logging[rows], eligible, rng.random(size))
        bought = rng.random(size) < self.orders[rows][chosen.rows]
        known = self.known.take(some)
        return LoggedDecisions.of(known, eligible, chosen.rows, chosen.propensities, bought.astype(np.float64)), rows


@dataclass(frozen=True)
class Pair:
    """Who decided and who would, with the truth: `uplift` is a share of what the log earned."""

    world: int
    pool: Pool
    logging: Floats
    target: Floats
    uplift: float

    @property
    def effective(self) -> float:
        """Effective sample size a decision."""
        return float(1 / self.pool.eligible.total(self.target**2 / self.logging).mean())


def pairs(seed: int) -> tuple[Pair, list[Pair]]:
    """A candidate about 20 % better than who decides in world `seed`, and some that are no better.

    All are inverse-gap weighted values that a policy learned, as peaked as who decides is meant to be; the better one's
    are the truth and such values on top, so that it is as much better, and as far from the log, as the anchors were.
    """
    rng = np.random.default_rng(seed)
    pool = Pool.of(World(seed=seed), rng)
    everybody = Uniform().fit().probabilities(pool.known, pool.eligible)
    little = _values(pool.log(rng, everybody, _TAUGHT)[0], pool)
    logging = _sharpened(little, pool, lambda shares: float(pool.eligible.most(shares).mean()), _PEAK)
    base = pool.value(logging)
    other = _values(pool.log(rng, everybody, _TAUGHT)[0], pool)
    offered = []
    for error in (0.5, 1.0, 2.0):
        believed = pool.orders / pool.orders.std() + error * other / other.std()
        target = _sharpened(believed, pool, lambda shares: pool.value(shares) / base - 1, _UPLIFT)
        offered.append(Pair(seed, pool, logging, target, pool.value(target) / base - 1))
    fit = [pair for pair in offered if abs(pair.uplift - _UPLIFT) < 0.02] or offered
    better = min(fit, key=lambda pair: abs(pair.effective - _EFFECTIVE))
    worse = []
    for size in (1_000, 2_000, 3_000, 4_000):
        learned = _values(pool.log(rng, logging, size)[0], pool)
        shares = _sharpened(learned, pool, lambda shares: float(pool.eligible.most(shares).mean()), _PEAK)
        worse.append(Pair(seed, pool, logging, shares, pool.value(shares) / base - 1))
    mixed = 0.5 * logging + 0.5 * min(worse, key=lambda pair: abs(pair.uplift)).target
    worse.append(Pair(seed, pool, logging, mixed, pool.value(mixed) / base - 1))
    return better, [pair for pair in worse if pair.uplift <= 0]


def _values(log: LoggedDecisions, pool: Pool) -> Floats:
    """What a policy that learned from `log` thinks of each row of the pool."""
    return Factored().fit(log).values(pool.known, pool.eligible)


def _sharpened(values: Floats, pool: Pool, measure: Callable[[Floats], float], wanted: float) -> Floats:
    """The floored policy of `values`, as sharp as `measure` needs to be what is wanted, or as sharp as can be."""
    low, high = 0.0, 14.0
    for _ in range(9):
        middle = (low + high) / 2
        shares = floored(gap_weighted(values, pool.eligible, float(np.exp(middle))), pool.eligible)
        low, high = (middle, high) if measure(shares) < wanted else (low, middle)
    return shares


@dataclass(frozen=True)
class Sat:
    """One log and what the gate said of it."""

    kind: str
    world: int
    truth: float
    value: float
    effective: float
    passed: bool
    codes: tuple[str, ...]
    share: float
    clip: float
    estimates: dict[str, tuple[float, float, float, float]]
    """By estimator: value, low, high, difference."""


def sit(pair: Pair, kind: str, rng: np.random.Generator) -> Sat:
    """Draw a log and ask the gate; `forged` learned from the log and says that it did not, `taught` says so."""
    log, rows = pair.pool.log(rng, pair.logging, DECISIONS)
    target, truth, value = pair.target[rows], pair.uplift, pair.pool.value(pair.target)
    if kind in {"forged", "taught"}:
        learned = _values(log, pair.pool)
        everywhere = _sharpened(learned, pair.pool, lambda shares: float(pair.pool.eligible.most(shares).mean()), _PEAK)
        target, value = everywhere[rows], pair.pool.value(everywhere)
        truth = value / pair.pool.value(pair.logging) - 1
    candidate = Candidate("candidate", -1, len(log) - 1 if kind == "taught" else -1)
    logging = pair.logging[rows]
    verdict = judge(candidate, Compared(log, target, logging=logging), np.arange(len(log)))
    if verdict.valued is None:
        return Sat(kind, pair.world, truth, value, np.nan, verdict.passed, verdict.codes, np.nan, np.nan, {})
    return Sat(
        kind,
        pair.world,
        truth,
        value,
        verdict.weighed.effective if verdict.weighed else np.nan,
        verdict.passed,
        verdict.codes,
        verdict.share,
        verdict.valued.clip,
        _told(verdict),
    )


def _told(verdict: Verdict) -> dict[str, tuple[float, float, float, float]]:
    if verdict.valued is None:
        return {}
    found = (verdict.valued.chosen, *verdict.valued.beside)
    told = {each.name: (each.value.mean, each.value.low, each.value.high, each.difference.mean) for each in found}
    ladder = {f"dr, w <= {clip:g}": value for clip, value in verdict.valued.ladder.items()}
    return {**told, **{name: (value, -np.inf, np.inf, value - verdict.valued.base) for name, value in ladder.items()}}


def sittings(worlds: int, null: int, better: int, note: Path | None) -> Iterator[Sat]:
    """All logs, the kinds mixed, so that whoever stops early has some of each."""
    found = [pairs(_FIRST_WORLD + number) for number in range(worlds)]
    for good, bad in found:
        _CONSOLE.print(f"world {good.world}: {good.uplift:+.1%}, effective {good.effective:.3f}", end="; ")
        _CONSOLE.print(", ".join(f"{pair.uplift:+.1%} ({pair.effective:.3f})" for pair in bad))
    rng = np.random.default_rng(1)
    for turn in range(max(null, better)):
        good, bad = found[turn % worlds]
        asked = [(good, "better")] if turn < better else []
        if bad and turn < null:
            asked.append((bad[turn // worlds % len(bad)], "null"))
        if turn % 3 == 0 and turn < null:
            asked.append((good, "forged" if turn % 15 == 0 else "taught"))
        for pair, kind in asked:
            sat = sit(pair, kind, rng)
            if note:
                with note.open("a") as lines:
                    lines.write(json.dumps(sat.__dict__) + "\n")
            yield sat


def claims(sat: list[Sat], cpu: float) -> list[Claim]:
    """The three rows of the table."""
    null = [one for one in sat if one.kind in {"null", "taught"}]
    good = [one for one in sat if one.kind == "better"]
    frozen = [one for one in sat if one.kind == "null"]
    forged = [one for one in sat if one.kind == "forged"]
    names = sorted({name for one in good for name in one.estimates})
    errors = {name: _relative(good, name) for name in names}
    bias = float(np.mean([one.share - one.truth for one in frozen]))
    covered = {name: _covered(good, name) for name in names}
    promoted = float(np.mean([one.passed for one in null]))
    power = float(np.mean([one.passed for one in good]))
    return [
        _claim(
            "gate: promotions in null logs",
            f"{len(frozen)} logs with a frozen candidate that is no better, {len(null) - len(frozen)} with one that "
            f"learned from the log and says so; bias of the frozen ones' uplift {bias:+.3f}",
            promoted,
            {
                "the bound alone, candidate learned from the log": _bound(forged),
                "the gate, marks forged": _rate(forged),
            },
            "<= 0.05",
            promoted <= 0.05 and abs(bias) <= 0.03,
            null,
            cpu,
        ),
        _claim(
            "gate: power",
            f"candidates {np.mean([one.truth for one in good]):+.1%}, effective sample "
            f"{np.mean([one.effective for one in good]) / DECISIONS:.1%}",
            power,
            {"refused when any estimate has another sign": _strict(good)},
            ">= 0.85",
            power >= 0.85,
            good,
            cpu,
        ),
        _claim(
            "policy value: relative RMSE",
            f"coverage of the 95 % interval {covered['clipped dr']:.3f}; of the others "
            + ", ".join(f"{name} {covered[name]:.2f}" for name in names if name != "clipped dr" and "w <=" not in name),
            errors["clipped dr"],
            {name: error for name, error in errors.items() if name != "clipped dr"},
            "<= 0.06",
            errors["clipped dr"] <= 0.06 and covered["clipped dr"] >= 0.94,
            good,
            cpu,
        ),
    ]


def _relative(sat: list[Sat], name: str) -> float:
    return float(np.sqrt(np.mean([(one.estimates[name][0] / one.value - 1) ** 2 for one in sat])))


def _covered(sat: list[Sat], name: str) -> float:
    return float(np.mean([one.estimates[name][1] <= one.value <= one.estimates[name][2] for one in sat]))


def _rate(sat: list[Sat]) -> float:
    worse = [one for one in sat if one.truth <= 0]
    return float(np.mean([one.passed for one in worse])) if worse else float("nan")


def _bound(sat: list[Sat]) -> float:
    """How often the bound alone would have let in a worse candidate that learned from the log."""
    worse = [one for one in sat if one.truth <= 0]
    return float(np.mean(["not_better" not in one.codes for one in worse])) if worse else float("nan")


def _strict(sat: list[Sat]) -> float:
    return float(
        np.mean([one.passed and min(one.estimates[name][3] for name in ("dr", "snips", "dm")) > 0 for one in sat])
    )


def _claim(
    measure: str, protocol: str, ours: float, others: dict[str, float], must: str, met: bool, sat: list[Sat], cpu: float
) -> Claim:
    """A row; `interval` is that of a share of logs (Wilson), none for an error."""
    share = measure.startswith("gate")
    return Claim(
        measure=measure,
        data=_DATA,
        protocol=f"{len(sat)} logs of {DECISIONS} decisions, floor 5 %; {protocol}",
        ours=ours,
        interval=_wilson(ours, len(sat)) if share else None,
        baselines=others,
        must=must,
        goal=must,
        met=met,
        seeds=tuple(sorted({one.world for one in sat})),
        cpu_seconds=cpu,
        machine=machine(),
        commit=commit(),
    )


def _wilson(share: float, n: int) -> tuple[float, float]:
    found = binomtest(round(share * n), n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def main() -> None:
    """Sit all logs, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=300)
    parser.add_argument("--better", type=int, default=120)
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--note", type=Path, help="a file that gets a line of JSON for each log as it is judged")
    asked = parser.parse_args()
    started = time.process_time()
    sat = list(sittings(asked.worlds, asked.null, asked.better, asked.note))
    rows = claims(sat, time.process_time() - started)
    for row in rows:
        _CONSOLE.print(f"{row.measure}: {row.ours:.4f} {row.interval}, must {row.must}, met {row.met}; {row.protocol}")
        _CONSOLE.print(f"  beside: { {name: round(value, 4) for name, value in row.baselines.items()} }")
    write(rows, "decisions", "off_policy")


if __name__ == "__main__":
    main()

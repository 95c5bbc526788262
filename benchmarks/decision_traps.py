"""Worlds that trap: what policies, reports and gates see where there is nothing to be seen, or where it moved.

    python -m benchmarks.decision_traps

The policy begins as the shop's rule and plays 40,000 decisions with rewards known 2,000 later, floors included.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import typer

from benchmarks.claim import Claim, write
from benchmarks.decision_worlds import JUDGED, POPULATION, WARM, claim, interval, played
from models.arrays import Floats
from models.off_policy.diagnostics import calibration
from models.policies.base import choose
from models.policies.logged import LoggedDecisions
from training.policy.dataset import history
from training.simulator.optimum import optimum
from training.simulator.play import Played
from training.simulator.reported import POINT, reported
from training.simulator.traps import alike, all_organic, harmful, last_click, misreported, turning
from training.simulator.world import World

WORLDS = JUDGED[:5]
HALF, BACK = 20_000, 8_000
CERTAIN = 0.01
"""The level at which propensities are refused."""


def _played(worlds: Callable[[int], Sequence[World]]) -> list[Played]:
    return played(WARM, worlds=worlds, seeds=WORLDS)


def no_heterogeneity() -> Claim:
    """What the policy earns where the best message is the same for all."""
    began, ratios, starts, greedy = time.process_time(), [], [], []
    for seed, game in zip(WORLDS, _played(lambda seed: [alike(seed)]), strict=True):
        world = alike(seed)
        known, eligible = world.contexts(np.random.default_rng([POPULATION, seed]), 40_000)
        fixed = optimum(world, known, eligible).fixed
        ratios.append(float(game.values[HALF:].mean()) / fixed)
        starts.append(float(game.values.mean()) / fixed)
        bare = replace(WARM, uniform_share=0.0, silence=0.0).restore(game.policy.arrays())
        greedy.append(
            float((bare.probabilities(known, eligible) * world.values(known, eligible)).sum() / 40_000 / fixed)
        )
    return claim(
        "no heterogeneity: value over that of the best fixed message, second half",
        float(np.mean(ratios)),
        interval(ratios),
        ">= .99",
        bool(np.mean(ratios) >= 0.99),
        began,
        seeds=WORLDS,
        data="worlds where everybody reacts alike",
        protocol="exact values, floors included; the best of 24 messages with the truth known",
        baselines={"whole run": float(np.mean(starts)), "at its end without floors": float(np.mean(greedy))},
    )


def messages_harm() -> Claim:
    """How often the policy is silent where every message harms."""
    began = time.process_time()
    games = _played(lambda seed: [harmful(seed)])
    silent = [1 - float(game.sent[-10_000:].mean()) for game in games]
    first = [1 - float(game.sent[:10_000].mean()) for game in games]
    return claim(
        "messages harm: share of silence in the last quarter",
        float(np.mean(silent)),
        interval(silent),
        ">= .90",
        bool(np.mean(silent) >= 0.9),
        began,
        seeds=WORLDS,
        data="worlds where every message lowers the odds of an order",
        protocol="the shop's rule, where the policy begins, writes to all; the floor leaves at most .95 to silence",
        baselines={"first quarter": float(np.mean(first)), "the shop's rule": 0.0},
    )


def organic_only() -> Claim:
    """What lift is claimed where all orders come by themselves: policy against a holdout, and by last click."""
    began, lower, uplifts, clicks = time.process_time(), [], [], []
    for seed, game in zip(WORLDS, _played(lambda seed: [all_organic(seed)]), strict=True):
        holdout = _silent_rewards(all_organic(seed), seed, 40_000)
        uplift = float(game.log.rewards.mean() - holdout.mean())
        error = float(np.sqrt(game.log.rewards.var() / len(game.log) + holdout.var() / len(holdout)))
        uplifts.append(uplift / float(holdout.mean()))
        lower.append((uplift - 1.96 * error) / float(holdout.mean()))
        clicks.append(last_click(game.log, game.fate.bought_after) / float(holdout.mean()))
    return claim(
        "all purchases organic: the largest lower bound of the uplift over the holdout",
        max(lower),
        None,
        "<= 0 (no lift is claimed)",
        max(lower) <= 0,
        began,
        seeds=WORLDS,
        data="worlds where messages do nothing but cost",
        protocol="40,000 decisions against 40,000 customers held out, relative to their mean reward; 95 % intervals",
        baselines={"mean uplift": float(np.mean(uplifts)), "claimed by last click": float(np.mean(clicks))},
    )


def _silent_rewards(world: World, seed: int, n: int) -> Floats:
    rng = np.random.default_rng([900, seed])
    known, eligible = world.contexts(rng, n)
    return world.draw(rng, known, eligible, eligible.starts[:-1]).rewards


def optimum_flips() -> Claim:
    """How much of its value a policy has back 8,000 decisions after early and late have changed places."""
    began, values, lifts, frozen = time.process_time(), [], [], []
    for game in _played(turning):
        before, after = slice(HALF - 5_000, HALF), slice(HALF + BACK, HALF + BACK + 5_000)
        values.append(float(game.values[after].mean() / game.values[before].mean()))
        lifts.append(game.share(HALF + BACK, HALF + BACK + 5_000) / game.share(HALF - 5_000, HALF))
        frozen.append(float(game.values[HALF : HALF + 2_000].mean() / game.values[before].mean()))
    return claim(
        "optimum flips half-way: value 8,000 decisions later over that before",
        float(np.mean(values)),
        interval(values),
        ">= .90",
        bool(np.mean(values) >= 0.9),
        began,
        seeds=WORLDS,
        data="worlds where from decision 20,000 on early is what late was",
        protocol="mean net reward over 5,000 decisions from 28,000 on, over that of the 5,000 before the change",
        baselines={"of the lift alone": float(np.mean(lifts)), "right after the change": float(np.mean(frozen))},
    )


def propensities_are_wrong() -> Claim:
    """Whether the diagnosis tells logs with wrong propensities from those with right ones."""
    began, right, wrong = time.process_time(), [], []
    for seed in WORLDS:
        log, logging = _log(seed)
        right.append(calibration(log, logging).pvalue)
        wrong.append(calibration(log, misreported(log.eligible, logging)).pvalue)
    refused, kept = np.mean(np.array(wrong) < CERTAIN), np.mean(np.array(right) >= CERTAIN)
    return claim(
        "broken propensities: share of logs refused",
        float(refused),
        None,
        "1, and every sound log kept",
        bool(refused == 1 and kept == 1),
        began,
        seeds=WORLDS,
        data="logs of 20,000 decisions",
        protocol="reported are the roots of the probabilities that were drawn from; refused where chi-square p < .01",
        baselines={"sound logs kept": float(kept)},
    )


def _log(seed: int) -> tuple[LoggedDecisions, Floats]:
    world, rng = World(seed), np.random.default_rng([901, seed])
    known, eligible = world.contexts(rng, 20_000)
    weights = rng.gamma(0.5, size=len(eligible.codes)) + 0.05
    logging = weights / eligible.total(weights)[eligible.decisions]
    choice = choose(logging, eligible, rng.random(20_000))
    rewards = world.draw(rng, known, eligible, choice.rows).rewards
    return LoggedDecisions.of(known, eligible, choice.rows, choice.propensities, rewards), logging


def news_in_disorder() -> Claim:
    """Whether anything counts twice, or is lost, where events come twice, late, out of order or never."""
    began, wrong, decisions = time.process_time(), 0, 0
    for seed in WORLDS:
        told = reported(World(seed), np.random.default_rng([902, seed]), 2_000)
        known = history(told.logs, [POINT], told.over)
        log, ids = known.log(known.teaches), known.journal.decision_ids[known.teaches]
        found: dict[str, float] = dict(zip(ids.tolist(), log.rewards.tolist(), strict=True))
        wrong += sum(abs(found.get(id_, np.inf) - worth) > 1e-9 for id_, worth in told.truth.items())
        wrong += len(found.keys() - told.truth.keys())
        decisions += len(told.truth)
    return claim(
        "duplicate, late and missing outcomes: decisions whose reward is wrong",
        float(wrong),
        None,
        "0",
        wrong == 0,
        began,
        seeds=WORLDS,
        data="10,000 decisions and their events",
        protocol="30 % of events twice, 20 % of orders under two message ids, 10 % of sendings never told; shuffled",
        baselines={"decisions that teach": float(decisions)},
    )


def main() -> None:
    """All traps."""
    traps = (no_heterogeneity, messages_harm, organic_only, optimum_flips, propensities_are_wrong, news_in_disorder)
    write([trap() for trap in traps], "decisions", "traps")


if __name__ == "__main__":
    typer.run(main)

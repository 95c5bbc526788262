"""The verb `simulate`: a made shop lives through weeks over the real HTTP API, and every decision is held to the truth.

Carts are events, decisions are asked `as_of` the hour in which a cart was left, and what comes of each decision is told
as an engine and a shop would: activations, outcomes, orders. `learn` runs each few days. All of it happens in the past,
as fast as the service answers. What the best action would have been is known, so regret is exact.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from models.policies.contexts import Contexts
from models.registry import Registry
from pipelines.console import Tick
from pipelines.keys import bearing, passing_key
from pipelines.learn import learned
from pipelines.policies import decider, logs
from pipelines.settings import Settings
from pipelines.simulated_shop import POINT, Shop
from training.policy.journal import Journal, gathered
from training.simulator.customers import left_at
from training.simulator.regret import Regret, regret
from training.simulator.world import World

POLICY = "cart-policy"
ALLOWED: Mapping[str, str] = {"KAIROS_ALLOW_AS_OF": "true"}
"""What the environment of the service has to say."""

_WINDOW = timedelta(days=8)
"""After the last cart: every order has come."""


@dataclass(frozen=True)
class Plan:
    """What to live through: `weeks` of `carts` each, in the shop that `seed` numbers, learning each `learn_days`."""

    weeks: int = 4
    carts: int = 500
    seed: int = 0
    learn_days: float = 3.5


@dataclass(frozen=True)
class Simulated:
    """What was decided beside what would have been best, and how often the policy learned something."""

    plan: Plan
    regret: Regret
    versions: int
    seconds: float


def simulate(settings: Settings, registry: Registry, url: str, plan: Plan, now: datetime, tick: Tick) -> Simulated:
    """Live through `plan` with the service at `url`, which shares the stores of `settings` and allows `as_of`.

    It ends at `now`. Raises httpx.HTTPStatusError where the service refuses what it is told.
    """
    began, world, found = time.monotonic(), World(plan.seed), logs(settings, made=True)
    policy = decider(settings, POLICY)
    rng = np.random.default_rng([plan.seed, plan.weeks, plan.carts])
    start = _monday(now - timedelta(weeks=plan.weeks) - _WINDOW)
    position, learned_at, versions, number = found.decisions.last_position(), start, 0, 0
    parts: list[Journal] = []
    contexts: list[Contexts] = []
    with (
        passing_key(settings, "simulate") as secret,
        httpx.Client(base_url=url, timeout=60, headers=bearing(secret)) as client,
    ):
        shop = Shop(client, f"simulated-{plan.seed}-{now:%Y%m%d%H%M%S}")
        for week in range(plan.weeks):
            known = world.contexts(rng, plan.carts)[0]
            known = known.take(np.argsort(left_at(known), kind="stable"))
            for hour in np.unique(left_at(known)):
                here = known.take(np.flatnonzero(left_at(known) == hour))
                opens = start + timedelta(weeks=week, hours=float(hour))
                at = [opens + timedelta(minutes=60 * (i + 1) / (len(here) + 1)) for i in range(len(here))]
                shop.leave(number, here, at)
                shop.decide(number, here, at)
                _, decided = gathered(found.decisions, [POINT], found.identities.table(), position)
                here = here.take(np.array([shop.number(one.trigger_id) for one in decided.decided]) - number)
                position, number = int(decided.positions[-1]), number + len(at)
                shop.tell(decided, world.draw(rng, here, decided.eligible, decided.chosen))
                parts.append(decided)
                contexts.append(here)
                if opens - learned_at > timedelta(days=plan.learn_days):
                    run = learned(policy, found, registry, opens)
                    learned_at, versions = opens, versions + int(run.learned.moved)
                tick(number, plan.weeks * plan.carts)
    return Simulated(plan, regret(world, contexts, parts), versions, time.monotonic() - began)


def _monday(moment: datetime) -> datetime:
    """The first moment of the week in which `moment` lies, in UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def write(simulated: Simulated, out: Path) -> None:
    """`simulated.json` and `regret.png` in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    found = asdict(simulated)
    found["regret"] = simulated.regret.told()
    (out / "simulated.json").write_text(json.dumps(found, indent=1) + "\n")
    simulated.regret.plot(out / "regret.png")

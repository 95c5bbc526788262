"""The verb `learn`: look at the canary, and let what is live learn what has matured since, once or again and again."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from features.alone import LASTING, Hold, StillAlone, Taken, alone, by_the_lock
from features.database import open_database
from models.line import FROZEN, position
from models.published import CANARY
from models.registry import Registry
from pipelines.policies import Decider, deciders, logs, seen
from pipelines.settings import Settings
from training.policy.dataset import History, Logs
from training.policy.learn import Learned, learn
from training.policy.prune import KEPT, prune
from training.policy.trial import Trial, watch

_LEASE = "learn"


@dataclass(frozen=True)
class Run:
    """What one run over one policy did: what was said of its canary, where there is one, what it learned, and how many
    old states it took out of the registry."""

    learned: Learned
    trial: Trial | None
    pruned: int = 0


def learn_once(
    settings: Settings,
    registry: Registry,
    names: Collection[str],
    as_of: datetime,
    keep: int = KEPT,
    still_alone: StillAlone = by_the_lock,
) -> dict[str, Run]:
    """One run over the policies `names`, all of the action bank when there are none; `keep` is that of `prune`.

    Raises LookupError for a name that the bank does not know. Two runs at once are kept apart by `learn_alone`;
    `still_alone` raises before a policy is learned where another process may be at it by now.
    """
    known = deciders(settings)
    if unknown := set(names) - set(known):
        raise LookupError(f"no policy {', '.join(sorted(unknown))}; the action bank names {', '.join(known)}")
    found = logs(settings)
    runs = {}
    for name in names or known:
        still_alone()
        runs[name] = learned(known[name], found, registry, as_of, keep)
    return runs


def learned(policy: Decider, found: Logs, registry: Registry, as_of: datetime, keep: int = KEPT) -> Run:
    """One run over one policy: a canary that has won is promoted first, and then learns too."""

    def read(after: int) -> History:
        return seen(policy, found, as_of, after)

    canary = None if policy.frozen else registry.alias(policy.name, CANARY)
    trial = watch(policy.name, registry, read(position(canary, FROZEN)), policy.trial, as_of) if canary else None
    run = learn(policy.name, read, registry, policy.frozen)
    return Run(run, trial, len(prune(policy.name, registry, keep)) if run.moved else 0)


def learn_alone(
    settings: Settings,
    registry: Registry,
    names: Collection[str],
    as_of: datetime,
    clock: Callable[[], datetime],
    keep: int = KEPT,
) -> dict[str, Run]:
    """The same while no other process learns from these logs. Raises Taken, which names the one that does."""
    with _the_learner(settings, clock) as hold:
        return learn_once(settings, registry, names, as_of, keep, hold.check)


def learn_again(
    settings: Settings,
    registry: Registry,
    names: Collection[str],
    every: float,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
    keep: int = KEPT,
) -> Iterator[dict[str, Run] | Exception]:
    """Runs for ever, `every` so many seconds; a run that fails is told, and the next one starts from the same logs.

    Of several such processes one works, and the others look every few seconds whether it still does: `Taken`, told
    once, says so. Some ten seconds after it was killed another goes on.
    """
    waiting = False
    while True:
        try:
            with _the_learner(settings, clock) as hold:
                waiting = False
                while True:
                    hold.check()
                    yield _told(settings, registry, names, clock, keep, hold)
                    sleep(every)
        except Taken as taken:
            if not waiting:
                yield taken
            waiting = True
        except DBAPIError as error:  # nobody can be asked who learns
            yield error
        sleep(LASTING.total_seconds() / 4)


@contextmanager
def _the_learner(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Hold]:
    engine = open_database(settings.database_url)
    try:
        with alone(engine, _LEASE, clock) as hold:
            yield hold
    finally:
        engine.dispose()


def _told(
    settings: Settings, registry: Registry, names: Collection[str], clock: Callable[[], datetime], keep: int, hold: Hold
) -> dict[str, Run] | Exception:
    try:
        return learn_once(settings, registry, names, clock(), keep, hold.check)
    except Exception as error:  # a store that is away comes back, and nothing was lost
        return error


def report(runs: dict[str, Run]) -> dict[str, Any]:
    """What scripts read, by policy."""
    return {
        name: {
            "live": run.learned.live.number if run.learned.live else None,
            "moved": run.learned.moved,
            "decisions": run.learned.decisions,
            "matured": run.learned.matured,
            "words": run.learned.words,
            "pruned": run.pruned,
            "canary": run.trial and {"version": run.trial.version.number, "outcome": run.trial.outcome},
        }
        for name, run in runs.items()
    }


def words(name: str, run: Run) -> str:
    """What a person reads."""
    learned, told = run.learned, ""
    if run.trial is not None:
        told = f"{name} {run.trial.version.number}, the canary, is {run.trial.outcome}: {run.trial.compared.words}. "
    if learned.live is None or learned.was is None:
        return told + learned.words
    if not learned.moved:
        return f"{told}{name} {learned.live.number} stays: {learned.words}"
    return (
        f"{told}{name} {learned.live.number} is live, which {learned.was.number} has become: it knows "
        f"{learned.decisions:,} decisions more than its base, {learned.matured:,} of them mature"
    )

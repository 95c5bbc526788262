"""What a running service holds open, from the database and its writers to the live model; opened and closed once."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

from features.catalog import Catalog
from features.database import open_database
from features.group_commit import GroupCommit
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.store import open_store
from models.registry import Registry
from serving.champion import Champion
from serving.decisions.bank_file import BankFile
from serving.decisions.champion import Policies
from serving.decisions.live_bank import LiveBank
from serving.decisions.situation import warm_up
from serving.metrics import Gauges, Metrics
from serving.placement_file import PlacementFile
from serving.restock.champion import RestockChampion
from serving.settings import Settings
from serving.visitor import Visitors

Clock = Callable[[], datetime]
P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 8
_BATCH_THREADS = 2


@dataclass(frozen=True)
class Resources:
    """Everything that the use cases work with."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    events: GroupCommit
    decisions: GroupCommit
    identities: Identities
    catalog: Catalog
    visitors: Visitors
    champion: Champion
    restock: RestockChampion
    threads: ThreadPoolExecutor
    batch_threads: ThreadPoolExecutor
    bank: LiveBank
    policies: Policies

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a call that blocks; a request that is given up stops waiting, whatever the call still does."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(function, *args, **kwargs))

    async def in_batch_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what takes seconds: in a few threads of its own, so that no visitor waits behind a batch."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.batch_threads, partial(function, *args, **kwargs))


@contextmanager
def open_resources(settings: Settings, clock: Clock) -> Iterator[Resources]:
    """The resources of one service, closed in reverse order: what was accepted is on disk when this ends.

    The identities catch up with the log first, in case the last process ended between the two.
    """
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))  # two BLAS threads on a busy machine took 28 ms instead of 0.26
        engine = open_database(settings.database_url)
        stack.callback(engine.dispose)
        log = Log(engine, EVENTS)
        identities = Identities(engine)
        identities.catch_up(log)
        events = GroupCommit(log)
        stack.callback(events.close)
        shown = Log(engine, DECISIONS)
        decisions = GroupCommit(shown)
        stack.callback(decisions.close)
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        batch_threads = ThreadPoolExecutor(_BATCH_THREADS, thread_name_prefix="batch")
        stack.callback(batch_threads.shutdown, wait=False, cancel_futures=True)
        store = open_store(settings.feature_data, settings.online_store)
        visitors = Visitors(log, shown, identities, store, settings.feature_timeout_ms / 1000, threads)
        stack.callback(visitors.close)
        catalog = Catalog(engine)
        metrics = Metrics()
        registry = Registry(settings.mlflow_uri)
        champion = Champion(
            registry,
            catalog,
            settings.feature_data,
            PlacementFile(settings.placements),
            metrics,
            clock,
            settings.refresh_seconds,
            visitors.warm_up,
        )
        stack.callback(champion.close)
        champion.start()
        restock = RestockChampion(
            registry, catalog, settings.feature_data, log, identities, metrics, clock, settings.refresh_seconds
        )
        stack.callback(restock.close)
        restock.start()
        bank = LiveBank(BankFile(settings.action_bank), shown, metrics)
        policies = Policies(registry, bank, metrics, settings.refresh_seconds, partial(warm_up, visitors, clock))
        stack.callback(policies.close)
        policies.start()
        waiting = (("event", events.waiting), ("decision", decisions.waiting))
        models = champion.live, restock.live
        metrics.watch(Gauges(models, champion.features_as_of, restock.table_as_of, waiting, clock, policies.live))
        yield Resources(
            settings,
            clock,
            metrics,
            events,
            decisions,
            identities,
            catalog,
            visitors,
            champion,
            restock,
            threads,
            batch_threads,
            bank,
            policies,
        )

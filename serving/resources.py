"""What a running service holds open, from the database and its writers to the live model; opened and closed once."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

from feast import FeatureStore
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from features.acts import Acts
from features.alone import alone, moving
from features.catalog import Catalog
from features.database import open_database
from features.foreign_tables import opening
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.privacy.work import Places
from features.reports.table import ReportTable
from features.selecting import by_driver
from features.store import open_store
from models.registry import Registry
from serving.access.guard import Guard, open_guard
from serving.answering import Answering
from serving.arrivals import ArrivalCounts, counting_arrivals
from serving.breaker import Breaker
from serving.champion import Champion
from serving.console.people import ConsolePeople, open_people
from serving.decisions.bank_file import BankFile
from serving.decisions.champion import Policies
from serving.decisions.desk import Desk
from serving.decisions.histories import Histories
from serving.decisions.live_bank import LiveBank
from serving.decisions.situation import warm_up
from serving.kept_answers import KeptAnswers
from serving.logs import in_context
from serving.metrics import Gauges, Metrics, counting
from serving.model_versions import ModelVersions
from serving.overload import Overload
from serving.pauses import taking_turns
from serving.placement_file import PlacementFile
from serving.privacy.kept import KeptAnswerRows
from serving.privacy.people import People
from serving.privacy.put_aside import PutAsideRecords
from serving.projection import Projection, projecting
from serving.release import VERSION
from serving.reports.previews import Previews, previewing
from serving.restock.champion import RestockChampion
from serving.settings import Settings
from serving.tracing import Tracing, tracing_to
from serving.visitors import Visitors
from serving.writer import Writer
from serving.writers import writing_logs

Clock = Callable[[], datetime]
P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 8
_BATCH_THREADS = 2
_BATCHES_AT_ONCE = 16
_OTHERS_MOVE = timedelta(seconds=3)
"""Who makes another version live waits so long for somebody who does."""


@dataclass(frozen=True)
class Resources:
    """Everything that the use cases work with."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    events: Writer
    decisions: Writer
    identities: Identities
    catalog: Catalog
    visitors: Visitors
    champion: Champion
    restock: RestockChampion
    threads: ThreadPoolExecutor
    batch_threads: ThreadPoolExecutor
    bank: LiveBank
    policies: Policies
    desk: Desk
    histories: Histories
    privacy: People
    guard: Guard
    kept_answers: KeptAnswers
    reads: Breaker
    places: Overload
    batch_places: Overload
    tracing: Tracing
    projection: Projection
    answering: Answering
    console: ConsolePeople
    acts: Acts
    reports: ReportTable
    arrivals: ArrivalCounts
    previews: Previews
    versions: ModelVersions

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a call that blocks; a request that is given up stops waiting, whatever the call still does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, in_context(function, *args, **kwargs))

    async def in_batch_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what takes seconds: in a few threads of its own, so that no visitor waits behind a batch."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.batch_threads, in_context(function, *args, **kwargs))


@contextmanager
def open_resources(settings: Settings, clock: Clock) -> Iterator[Resources]:
    """The resources of one service, closed in reverse order: what was accepted is on disk when this ends.

    The identities catch up with the log first, in case the last process ended between the two.
    """
    with ExitStack() as stack:
        stack.enter_context(taking_turns())
        stack.enter_context(threadpool_limits(1))  # two BLAS threads on a busy machine took 28 ms instead of 0.26
        engine = open_database(settings.database_url)
        stack.callback(engine.dispose)
        select = by_driver(engine)
        log, identities = Log(engine, EVENTS, select), Identities(engine, select)
        identities.catch_up(log)
        shown = Log(engine, DECISIONS, select)
        listed = Suppressions(engine, secret_in(settings.privacy_key), select)
        events, decisions = stack.enter_context(
            writing_logs(log, shown, settings, listed, partial(identities.catch_up, log))
        )
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        batch_threads = ThreadPoolExecutor(_BATCH_THREADS, thread_name_prefix="batch")
        stack.callback(batch_threads.shutdown, wait=False, cancel_futures=True)
        store, registry = _opened(engine, settings, clock)
        visitors = Visitors(log, shown, identities, store, settings.feature_timeout_ms / 1000, threads)
        stack.callback(visitors.close)
        catalog = Catalog(engine)
        metrics = stack.enter_context(counting(settings.run_folder))
        tracing = stack.enter_context(tracing_to(settings.otlp_endpoint, VERSION))
        guard = stack.enter_context(open_guard(engine, settings, listed.secret, clock, metrics))
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
        aside = PutAsideRecords(settings.journal)
        places = Places(
            engine,
            settings.history,
            settings.feature_data,
            store,
            listed,
            (KeptAnswerRows(engine), aside),
        )

        told = Histories(log)

        def forget() -> None:
            told.forget()
            identities.forget_recorded()
            restock.histories.forget()

        privacy = stack.enter_context(People(places, log, identities, aside, forget, clock, metrics.refresh_failures))
        bank = LiveBank(BankFile(settings.action_bank), shown, metrics)
        policies = Policies(registry, bank, metrics, settings.refresh_seconds, partial(warm_up, visitors, clock))
        stack.callback(policies.close)
        policies.start()
        desk = Desk()
        stack.callback(desk.close)
        waiting = (("event", events.waiting), ("decision", decisions.waiting))
        models = champion.live, restock.live
        projection = stack.enter_context(projecting(log, store, metrics, clock))
        reads = Breaker("database")
        metrics.show(
            Gauges(
                models,
                champion.features_as_of,
                restock.table_as_of,
                waiting,
                clock,
                policies.live,
                [reads, visitors.breaker, events.breaker, decisions.breaker],
                (("event", lambda: events.journaled), ("decision", lambda: decisions.journaled)),
            ).measures()
        )
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
            desk,
            told,
            privacy,
            guard,
            KeptAnswers(engine),
            reads,
            Overload(settings.max_in_flight),
            Overload(_BATCHES_AT_ONCE),
            tracing,
            projection,
            Answering(visitors.settled),
            open_people(engine, guard, settings, listed.secret, clock),
            Acts(engine),
            ReportTable(engine),
            stack.enter_context(counting_arrivals(engine, clock, metrics.refresh_failures)),
            stack.enter_context(previewing(registry, champion)),
            ModelVersions(registry, settings.mlflow_link, clock),
        )


def _opened(engine: Engine, settings: Settings, clock: Clock) -> tuple[FeatureStore, Registry]:
    """Feast and MLflow, which are there from the start of a replica to its end."""
    with opening(engine, clock, settings.mlflow_uri, settings.feast_registry):
        store = open_store(settings.feature_data, settings.online_store, settings.feast_registry)
        registry = Registry(settings.mlflow_uri, moving=lambda name: alone(engine, moving(name), clock, _OTHERS_MOVE))
    return store, registry

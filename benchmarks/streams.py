"""Events on their way from the log into the online store: how many a CPU-second, by one projector and by several.

    python -m benchmarks.streams            # starts a PostgreSQL and a Valkey of its own

A log on PostgreSQL, rows in Valkey, and processes that push a backlog: one projector alone, as with SQLite, its rows
written by Feast's SDK or by ours; then one and two that share a stream; then two of which one is killed (SIGKILL) with
a range in its hands. Afterwards every row is compared with what the log says. CPU is that of the processes that push;
the servers' is told beside it. Workers of the same service do the same in a thread.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from redis.exceptions import ResponseError

import features.recent_rows
from benchmarks.claim import Claim, commit, machine, write
from benchmarks.streams_world import BEFORE, Servers, cpu_of, emptied, events_of, filled, started
from features.lease import Lease
from features.log import Log
from features.newer_rows import client_of
from features.online_rows import rows_of
from features.projector import Projector, ids_of
from features.recent import recents_of
from features.recent_rows import base_of, read_recents
from features.shared_projector import SharedProjector
from features.store import open_store
from features.stream import Depth, Stream

LIVE = 25
"""Events a step of a shop with 100 a second."""

_LASTING = timedelta(seconds=10)
_ABANDONED = timedelta(seconds=10)
_KEY = "kairos:log_ranges"
DATA = "made events of 4,000 people, activity by rank ** -0.8: views, carts, orders; log on PostgreSQL, rows in Valkey"

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Way:
    """How the backlog is pushed: by so many processes, over the stream or by one projector alone."""

    name: str
    processes: int
    shared: bool = True
    feast: bool = False
    kill: bool = False


WAYS = (
    Way("one projector, rows by Feast's SDK", 1, shared=False, feast=True),
    Way("one projector", 1, shared=False),
    Way("stream, one consumer", 1),
    Way("stream, two consumers", 2),
    Way("stream, one of two consumers killed", 2, kill=True),
)


@dataclass(frozen=True)
class Run:
    """CPU seconds of each process and of the servers, events that rows lack, and ranges that had to change hands."""

    cpu: Sequence[float]
    servers: float
    wall: float
    lost: int
    taken_over: int = 0


@app.command()
def main(
    events: Annotated[
        int, typer.Option(help="events of the backlog; at most 50,000, as more are passed over")
    ] = 20_000,
    repeats: int = 3,
    write_down: Annotated[bool, typer.Option("--write/--no-write")] = True,
) -> None:
    """Measure, print, write."""
    began = time.process_time()
    with TemporaryDirectory(prefix="kairos-streams-") as folder, started(Path(folder)) as servers:
        runs: dict[str, list[Run]] = {way.name: [] for way in WAYS}
        workers = Workers(servers, 2)
        for seed in range(repeats):
            log = filled(servers, events, seed)
            for way in WAYS:
                runs[way.name].append(run := _pushed(servers, way, log, workers))
                typer.echo(
                    f"{way.name}: {events / sum(run.cpu):,.0f} events a CPU-s of all, "
                    f"{events / max(run.cpu):,.0f} of the busiest; servers {1e6 * run.servers / events:.0f} us an "
                    f"event; {run.lost} lost, {run.taken_over} ranges taken over; {run.wall:.1f} s"
                )
            live, resting = _live(servers, log, seed)
            typer.echo(
                f"live, {LIVE} events a step: {1e6 * live:.0f} us an event; a step without any {1e6 * resting:.0f} us"
            )
            log.engine.dispose()
        workers.close()
    if write_down:
        write(
            _claims(runs, events, live, resting, tuple(range(repeats)), time.process_time() - began),
            "serving",
            "streams",
        )


def _pushed(servers: Servers, way: Way, log: Log, workers: "Workers") -> Run:
    """The backlog pushed into an empty store, and its rows held against the log."""
    store = emptied(servers, log)
    pipes = workers.begin(way)
    before, began = servers.cpu(), time.monotonic()
    for pipe in pipes:
        pipe.send("begin")
    cpu = []
    if way.kill:
        cpu.append(_kill(workers.children[0], store))
        pipes = pipes[1:]
    told = [pipe.recv() for pipe in pipes]
    wall = time.monotonic() - began
    time.sleep(0.2)  # connections end a little later, and their CPU counts then
    cpu += [seconds for seconds, _ in told]
    return Run(cpu, servers.cpu() - before, wall, _lost(log, store), sum(taken for _, taken in told))


class Workers:
    """Processes that push whenever they are told, kept as their start costs more than what is measured."""

    def __init__(self, servers: Servers, count: int) -> None:
        self.servers = servers
        self.children: list[SpawnProcess] = []
        self.pipes: list[Connection] = []
        for _ in range(count):
            self._start(len(self.children))

    def begin(self, way: Way) -> list[Connection]:
        """The pipes of as many as the way needs, the last ones, ready to begin; who was killed is started again."""
        for place, child in enumerate(self.children):
            if not child.is_alive():
                self._start(place)
        pipes = self.pipes[-way.processes :]
        for number, pipe in enumerate(pipes):
            pipe.send((way, f"process {number}"))
        for pipe in pipes:
            pipe.recv()
        return pipes

    def close(self) -> None:
        """End them."""
        for child in self.children:
            child.kill()

    def _start(self, place: int) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=_push, args=(self.servers, theirs), daemon=True)
        child.start()
        self.children[place : place + 1] = [child]
        self.pipes[place : place + 1] = [ours]


def _push(servers: Servers, pipe: Connection) -> None:
    """One process: push until nothing is left, tell its CPU seconds and the ranges that it took over, and again."""
    rows: Any = features.recent_rows
    ours = rows.write_newer
    while True:
        way, name = pipe.recv()
        rows.write_newer = _by_feast if way.feast else ours
        log, store = servers.log(), open_store(servers.folder / "features", servers.online)
        lease = Lease(log.engine, "projector", name, _LASTING)
        projector = SharedProjector(log, store, lease, _ABANDONED) if way.shared else Projector(log, store, lease)
        base_of(store)
        end = log.last_position()
        pipe.send("ready")
        pipe.recv()
        began, taken_over = time.process_time(), 0
        while True:
            done = projector.step(datetime.now(UTC))
            taken_over += done.taken_over
            if not done.more and (isinstance(projector, Projector) or _nothing_left(projector.stream, end)):
                break
            if not done.more:
                time.sleep(0.05)
        used = time.process_time() - began
        log.engine.dispose()
        pipe.send((used, taken_over))


def _nothing_left(stream: Stream, end: int) -> bool:
    return stream.depth() == Depth() and stream.fed()[0] >= end


def _by_feast(store: Any, view: str, _: Any, rows: Any) -> None:
    """The same rows as Feast's SDK writes them, which is how they are written into SQLite."""
    frame = [
        {"customer_id": id_, "event_timestamp": moment, "created": moment, **row}
        for id_, (seconds, row) in rows.items()
        for moment in [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)]
    ]
    import pyarrow as pa  # noqa: PLC0415

    table = pa.Table.from_pylist(frame)
    since = table.schema.get_field_index("recent_since_us")
    table = table.set_column(since, "recent_since_us", table.column(since).cast(pa.int64()))
    store.write_to_online_store(view, df=table.to_pandas(integer_object_nulls=True))


def _kill(child: SpawnProcess, store: Any) -> float:
    """Kill it when a part is done and it has a range in its hands; returns the CPU seconds that it had used."""
    pid = int(child.pid or 0)
    client, used = client_of(store), cpu_of(pid)
    while child.is_alive():
        time.sleep(0.02)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.01)  # what it sent before is done by then
        try:
            told = {one["name"]: one["pending"] for one in client.xinfo_consumers(_KEY, "projectors")}
        except ResponseError:  # nothing is fed yet
            told = {}
        if told.get(b"process 0") and client.xinfo_stream(_KEY)["entries-added"] > client.xlen(_KEY) + 1:
            cpu = cpu_of(pid) - used
            os.kill(pid, signal.SIGKILL)
            return cpu
        os.kill(pid, signal.SIGCONT)
    raise RuntimeError("everything was pushed before the consumer could be killed; give more --events")


def _lost(log: Log, store: Any) -> int:
    """Events that the rows lack, or hold though the log says otherwise."""
    ids = ids_of([record for batch in log.scan(BEFORE) for record in batch])
    lost = 0
    for start in range(0, len(ids), 500):
        wanted = recents_of(log, ids[start : start + 500], base_of(store), log.last_position(), 500)
        found = read_recents(rows_of(store), list(wanted))
        for id_, recent in wanted.items():
            there = set(found[id_].records) if id_ in found else set()
            lost += len(there ^ set(recent.records))
    return lost


def _live(servers: Servers, log: Log, seed: int) -> tuple[float, float]:
    """CPU seconds an event as they come in, a few a step, and of a step that finds nothing."""
    store = emptied(servers, log)
    projector = SharedProjector(log, store, Lease(log.engine, "projector", "live", _LASTING))
    while projector.step(datetime.now(UTC)).more:
        pass
    made = events_of(100 * LIVE, np.random.default_rng(1_000 + seed))
    spent = 0.0
    for start in range(0, len(made), LIVE):
        log.append([replace(one, key=f"live {one.key}") for one in made[start : start + LIVE]])
        began = time.process_time()
        projector.step(datetime.now(UTC))
        spent += time.process_time() - began
    began = time.process_time()
    for _ in range(100):
        projector.step(datetime.now(UTC))
        projector.lag()
    return spent / len(made), (time.process_time() - began) / 100


def _claims(
    runs: dict[str, list[Run]], events: int, live: float, resting: float, seeds: tuple[int, ...], cpu_seconds: float
) -> list[Claim]:
    def micro(way: str) -> float:
        return 1e6 * median(sum(run.cpu) for run in runs[way]) / events

    by_feast, alone, one, two, killed = (way.name for way in WAYS)
    protocol = f"a backlog of {events} events in an empty store, processes that start together; medians over seeds"
    of_busiest = [max(first.cpu) / max(both.cpu) for first, both in zip(runs[one], runs[two], strict=True)]
    lost = max(run.lost for way in runs.values() for run in way)

    def claim(
        measure: str,
        how: str,
        ours: float,
        baselines: dict[str, float],
        interval: tuple[float, float] | None = None,
        must: str | None = None,
        met: bool | None = None,
    ) -> Claim:
        told = measure, DATA, how, ours, interval, baselines, must, must, met
        return Claim(*told, seeds, cpu_seconds, machine(), commit())

    return [
        claim(
            "events lost when one of two consumers is killed with a range in its hands",
            f"{protocol}; SIGKILL past the first ranges; every row against the log",
            float(lost),
            {"ranges taken over": float(median(run.taken_over for run in runs[killed]))},
            must="0",
            met=lost == 0,
        ),
        claim(
            "CPU us an event, all processes that push, two consumers of the stream",
            protocol,
            micro(two),
            {
                **{way: micro(way) for way in (by_feast, alone, one, killed)},
                "the servers beside": 1e6 * median(run.servers for run in runs[two]) / events,
            },
        ),
        claim(
            "events a CPU-second of the busiest process, two consumers over one",
            f"{protocol}; interval: least and most over seeds",
            median(of_busiest),
            {f"{way}, a CPU-s": events / median(max(run.cpu) for run in runs[way]) for way in (alone, one, two)},
            interval=(min(of_busiest), max(of_busiest)),
        ),
        claim(
            f"CPU us an event, {LIVE} a step",
            "100 steps with as many new events each, one consumer that also feeds; the last seed's",
            1e6 * live,
            {"a step that finds nothing": 1e6 * resting},
        ),
    ]


if __name__ == "__main__":
    app()

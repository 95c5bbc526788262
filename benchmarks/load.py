"""Load for a service on loopback: callers over keep-alive sockets, latencies, and what the service's processes burn.

    python -m benchmarks.load URL BODY_FILE --callers 32 --seconds 5

The client parses no JSON and keeps no promise of HTTP but lengths and statuses, so that it costs a fraction of what it
measures. CPU time is that of the service's process and all its children: a busy machine changes it little, where rates
and latencies are at the mercy of the neighbours.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]
import typer

from models.arrays import Floats

ROOT = Path(__file__).parents[1]
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_CLOSES = b"connection: close"
_OVER = 3.0
"""Times as long as a load lasts: then nobody waits any more for answers that are late."""


@dataclass(frozen=True)
class Load:
    """What came of a load. `milliseconds` are those of each answer, from when it was due to be sent; `cpu_us` is what
    the service's processes spent a request, in microseconds."""

    seconds: float
    milliseconds: Floats
    statuses: Mapping[int, int]
    cpu_us: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share, in percent, was answered."""
        return float(np.percentile(self.milliseconds, share))

    def words(self) -> str:
        """One line."""
        p50, p90, p99 = (self.percentile(share) for share in (50, 90, 99))
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        times = f"p50 {p50:6.1f}  p90 {p90:6.1f}  p99 {p99:6.1f} ms"
        return f"{self.rate:7,.0f}/s  {times}  CPU {self.cpu_us:6.0f} us  {answers}"


@dataclass(frozen=True)
class Service:
    """A service that was started beside us."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """What it and all its children have spent so far."""
        times = [process.cpu_times() for process in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    def idle(self, seconds: float) -> float:
        """CPU milliseconds a second that it spends while nobody asks: followers, the projector, the supervisor."""
        before = self.cpu_seconds()
        time.sleep(seconds)
        return (self.cpu_seconds() - before) / seconds * 1e3

    def megabytes(self) -> float:
        """Resident memory of it and all its children."""
        found = (self.process, *self.process.children(recursive=True))
        return float(sum(process.memory_info().rss for process in found) / 1e6)


@contextmanager
def started(
    what: str, environment: Mapping[str, str], log: Path, path: str = "/readyz", patience: float = 900.0
) -> Iterator[Service]:
    """`bentoml serve WHAT` beside us on a free port, once `path` answers 200; ended by its process id.

    Raises RuntimeError with the log when it does not come up within `patience` seconds.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    where = ["--host", "127.0.0.1", "--port", str(port), "--working-dir", str(ROOT)]
    line = [sys.executable, "-W", "ignore", "-m", "bentoml", "serve", what, *where]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            line, env=dict(environment), stdout=output, stderr=output, cwd=ROOT, start_new_session=True
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{url}{path}", process, log, patience)
            yield Service(url, psutil.Process(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def request(path: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """One POST as it goes over the wire."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST {path} HTTP/1.1\r\nhost: kairos\r\ncontent-type: application/json\r\n{own}"
    return f"{head}content-length: {len(text)}\r\n\r\n".encode() + text


def closed(service: Service, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    """`callers` who each send the next of `requests` (in turn, over and over) as soon as they have their answer."""
    return asyncio.run(_load(service, requests, callers, seconds, None))


def at_rate(
    service: Service, requests: Sequence[bytes], rate: float, seconds: float, callers: int = 64, settle: float = 0.0
) -> Load:
    """`rate` requests a second at even distances, whether or not the answers keep up, over `callers` sockets.

    A request that finds no free socket waits, and its time counts from when it was due: no omission is coordinated.
    What comes of the first `settle` seconds, which come before the `seconds`, is not told: sockets that were opened
    while nobody asked are not yet shared out over the workers.
    """
    return asyncio.run(_load(service, requests, callers, seconds, rate, settle))


class _Caller(asyncio.Protocol):
    """One socket; `answered` is called with the status of each answer."""

    def __init__(self, run: "_Run") -> None:
        self.run = run
        self.transport: Any = None
        self.buffer = b""
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.run.callers.add(self)
        self.run.free(self)

    def ask(self, question: bytes, due: float) -> None:
        self.since = due
        self.transport.write(question)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(_HEAD_END)
        if end < 0:
            return
        at = self.buffer.lower().find(_LENGTH, 0, end + 2) + len(_LENGTH)
        size = int(self.buffer[at : self.buffer.index(b"\r", at)])
        if len(self.buffer) < end + len(_HEAD_END) + size:
            return
        status, closes = int(self.buffer[9:12]), _CLOSES in self.buffer[:end].lower()
        self.buffer = b""
        self.run.answered(status, self.since)
        if closes:
            self.run.replace(self)
        else:
            self.run.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self in self.run.callers:
            self.run.lost(self)


class _Run:
    """The load while it runs: who is free, what is due."""

    def __init__(self, url: httpx.URL, requests: Sequence[bytes], rate: float | None) -> None:
        self.url = url
        self.requests = cycle(requests)
        self.rate = rate
        self.callers: set[_Caller] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.idle: deque[_Caller] = deque()
        self.due: deque[float] = deque()
        self.milliseconds: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.over = False
        self.told_from = 0.0

    async def open(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: _Caller(self), self.url.host, self.url.port or 80)

    def free(self, caller: _Caller) -> None:
        if self.over:
            return
        if self.rate is None:
            caller.ask(next(self.requests), time.perf_counter())
        elif self.due:
            caller.ask(next(self.requests), self.due.popleft())
        else:
            self.idle.append(caller)

    def fall_due(self, moment: float) -> None:
        if self.idle:
            self.idle.popleft().ask(next(self.requests), moment)  # in turn: a socket that rests is closed by the server
        else:
            self.due.append(moment)

    def answered(self, status: int, since: float) -> None:
        if not self.over and since >= self.told_from:
            self.milliseconds.append((time.perf_counter() - since) * 1_000)
            self.statuses[status] += 1

    def lost(self, caller: _Caller) -> None:
        """Another in its place: a server closes sockets that rest, and those of a worker that ends."""
        if caller in self.idle:
            self.idle.remove(caller)
        elif not self.over:
            self.statuses[0] += 1
        self.replace(caller)

    def replace(self, caller: _Caller) -> None:
        """Another in the place of one whose answer was the last on its socket."""
        self.callers.discard(caller)
        caller.transport.close()
        if self.over:
            return
        task = asyncio.get_running_loop().create_task(self.open())
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)


async def _load(
    service: Service,
    requests: Sequence[bytes],
    callers: int,
    seconds: float,
    rate: float | None,
    settle: float = 0.0,
) -> Load:
    run = _Run(httpx.URL(service.url), requests, rate)
    burnt, started_at = service.cpu_seconds(), time.perf_counter()
    for _ in range(callers):
        await run.open()
    if rate is None:
        await asyncio.sleep(seconds)
    else:
        began = started_at
        for number in range(round(rate * (settle + seconds))):
            if number == round(rate * settle):
                burnt, started_at = service.cpu_seconds(), time.perf_counter()
                run.told_from = began + number / rate
                run.milliseconds.clear()
                run.statuses.clear()
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            run.fall_due(due)
        while run.due or len(run.idle) < callers:
            await asyncio.sleep(0.01)
            if time.perf_counter() > started_at + _OVER * seconds:
                break
    run.over = True
    took, burnt = time.perf_counter() - started_at, service.cpu_seconds() - burnt
    await asyncio.gather(*run.opening, return_exceptions=True)
    for caller in run.callers:
        caller.transport.close()
    await asyncio.sleep(0)  # only then a socket is really closed
    return Load(took, np.array(run.milliseconds), dict(run.statuses), burnt / max(len(run.milliseconds), 1) * 1e6)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.25)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"the service was not ready within {patience:.0f} s; the end of {log}:\n{tail}")


def main(
    url: Annotated[str, typer.Argument(help="address and path, e.g. http://127.0.0.1:3000/v1/recommendations")],
    body: Annotated[Path, typer.Argument(help="file of bodies, one a line")],
    process: Annotated[int, typer.Option(help="id of the service's process, whose CPU time is told")],
    callers: Annotated[int, typer.Option(help="sockets")] = 32,
    seconds: Annotated[float, typer.Option(help="how long")] = 5.0,
    rate: Annotated[float | None, typer.Option(help="requests a second; as fast as it goes when left out")] = None,
    key: Annotated[str | None, typer.Option(help="key of the API")] = None,
) -> None:
    """Send the bodies, over and over, and print one line."""
    address = httpx.URL(url)
    service = Service(f"{address.scheme}://{address.host}:{address.port}", psutil.Process(process))
    headers = {"x-api-key": key} if key else {}
    requests = [request(address.path, line.encode(), headers) for line in body.read_text().splitlines()]
    told = at_rate(service, requests, rate, seconds, callers) if rate else closed(service, requests, callers, seconds)
    typer.echo(told.words())


if __name__ == "__main__":
    typer.run(main)

"""Half of the peak for half an hour: memory, file descriptors and threads must stay what they were. Then garbage.

    make demo
    nice -n 5 python -m benchmarks.soak --minutes 30 [--no-write]

The peak is measured first, by callers who send as soon as they have their answer. What is compared are the means of the
first and the last fifth of the time behind a warm-up of a tenth.
"""

import copy
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any

import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]
import typer

from benchmarks import claim
from benchmarks.faults import shop
from benchmarks.load import Load, Service, at_rate, closed, request, started
from features.database import open_database
from pipelines.serve import environment
from serving.access.key_table import KeyTable
from serving.decisions.default_bank import DEFAULT

_BATCH = 100
_SAMPLE_SECONDS = 2.0


@dataclass(frozen=True)
class Sample:
    """What the service's processes hold at one moment."""

    megabytes: float
    files: int
    threads: int


class Watch:
    """A sample every two seconds, of all processes of a service, as long as the block runs."""

    def __init__(self, service: Service) -> None:
        self.samples: list[Sample] = []
        self._service = service
        self._end = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(_SAMPLE_SECONDS):
            processes = [self._service.process, *self._service.process.children(recursive=True)]
            try:
                self.samples.append(
                    Sample(
                        sum(one.memory_info().rss for one in processes) / 1e6,
                        sum(one.num_fds() for one in processes),
                        sum(one.num_threads() for one in processes),
                    )
                )
            except psutil.NoSuchProcess:
                continue

    def grown(self, name: str) -> float:
        """The mean of the last fifth over that of the first one, behind the warm-up."""
        values = [float(getattr(sample, name)) for sample in self.samples][len(self.samples) // 10 :]
        fifth = max(len(values) // 5, 1)
        return float(np.mean(values[-fifth:]) / np.mean(values[:fifth]))


def run(
    minutes: Annotated[float, typer.Option(help="how long half of the peak lasts")] = 30.0,
    events: Annotated[int, typer.Option(help="mutated events that follow")] = 100_000,
    write: Annotated[bool, typer.Option(help="write the rows into results/serving.json")] = True,
) -> None:
    """Run both."""
    with tempfile.TemporaryDirectory(prefix="kairos-soak-") as name:
        folder = Path(name)
        settings = shop(folder, f"sqlite:///{folder / 'kairos.db'}", "sqlite")
        engine = open_database(settings.database_url)
        secret = KeyTable(engine).create("adm", "soak", datetime.now(UTC)).secret
        engine.dispose()
        own = {
            "KAIROS_JOURNAL": str(folder / "journal"),
            "KAIROS_PRIVACY_KEY": str(folder / "privacy.key"),
            "KAIROS_RATE_ADMIN": "1000000",
            "BENTOML_HOME": str(folder / "bentoml"),
        }
        headers = {"authorization": f"Bearer {secret}"}
        log = Path(tempfile.gettempdir()) / f"kairos-soak-{os.getpid()}.log"
        with started("serving.service:Kairos", environment(settings, {**os.environ, **own}), log) as service:
            restock = httpx.get(f"{service.url}/v1/version").json()["restock_model"] is not None
            asked = _mixture(random.Random(0), 4_000, restock)  # noqa: S311
            mixed = [request(path, body, headers) for path, body in asked]
            closed(service, mixed, 16, 5.0)  # warm
            peak = closed(service, mixed, 32, 10.0)
            typer.echo(f"peak      {peak.words()}")
            with Watch(service) as soaked:
                load = at_rate(service, mixed, peak.rate / 2, minutes * 60, callers=16)
            typer.echo(f"half of it {load.words()}")
            garbage, mutated = _garbage(service, headers, events)
    for name in ("megabytes", "files", "threads"):
        typer.echo(f"{name:10} soak x {soaked.grown(name):.3f}   garbage x {mutated.grown(name):.3f}")
    typer.echo(f"{events} mutated events were answered {dict(garbage)}")
    if write:
        claim.write(_claims(minutes, events, load, soaked, garbage, mutated), "serving", "soak")


def _mixture(chance: random.Random, count: int, restock: bool) -> list[tuple[str, Any]]:
    """Requests as a shop sends them: mostly pages and what is done on them, some decisions, and forecasts if it can."""
    point = next(iter(DEFAULT.points))
    found: list[tuple[str, Any]] = []
    for number in range(count):
        subject = {"user_id": str(chance.randint(1, 2_500))}
        match chance.choices(("recommend", "event", "decide", "restock"), (5, 4, 1, int(restock)))[0]:
            case "recommend":
                found.append(("/v1/recommendations", {"subject": subject, "limit": 10}))
            case "event":
                viewed = {"product_id": str(chance.randint(1, 90_000))}
                found.append(
                    ("/v1/track", {"event": "Product Viewed", "userId": subject["user_id"], "properties": viewed})
                )
            case "decide":
                told = {"id": f"soak-{number}"}
                found.append(("/v1/decisions", {"subject": subject, "decision_point": point, "trigger": told}))
            case _:
                found.append(("/v1/restock/forecast", {"subject": subject}))
    return found


def _garbage(service: Service, headers: dict[str, str], count: int) -> tuple[Counter[int], Watch]:
    """Mutated events, alone and in batches; the statuses of all requests."""
    chance = random.Random(1)  # noqa: S311
    statuses: Counter[int] = Counter()
    ends = time.monotonic() + 3_600
    with Watch(service) as watch:
        left = count
        while left > 0 and time.monotonic() < ends:
            messages = [mutated(chance) for _ in range(min(left, 50 * _BATCH))]
            left -= len(messages)
            alone, together = messages[: len(messages) // 10], messages[len(messages) // 10 :]
            requests = [request("/v1/track", one, headers) for one in alone]
            requests += [
                request("/v1/batch", b'{"batch": [' + b", ".join(together[start : start + _BATCH]) + b"]}", headers)
                for start in range(0, len(together), _BATCH)
            ]
            load = once(service, requests)
            statuses.update(load)
    return statuses, watch


def once(service: Service, requests: Sequence[bytes]) -> Counter[int]:
    """Every request one time, on a connection of its own, as a wrong one may end it."""
    import socket  # noqa: PLC0415

    statuses: Counter[int] = Counter()
    host, _, port = service.url.removeprefix("http://").partition(":")
    for one in requests:
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(one.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            answer = b""
            while part := connection.recv(1 << 16):
                answer += part
        statuses[int(answer.split(b" ", 2)[1])] += 1
    return statuses


_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 1e308, -0.0, "", " ", "x" * 5_000, "\u0000", "💥" * 9, "9999-12-31T23:59:59Z", "NaN",
    [], {}, [[]], [{}], {"a": {"b": [1]}}, "2026-02-30", "-0001-01-01T00:00:00Z", "1e999", "' OR 1=1 --", "../../x",
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """An event of a shop with one to three things wrong: a value, a missing or doubled field, a broken byte."""
    message: dict[str, Any] = {
        "type": "track",
        "event": chance.choice(["Product Viewed", "Order Completed", "Product Added", "Cart Viewed", "Email Opened"]),
        "userId": f"g{chance.randint(1, 500)}",
        "anonymousId": f"d{chance.randint(1, 500)}",
        "messageId": f"garbage-{chance.getrandbits(40)}",
        "timestamp": "2026-11-21T10:00:00Z",
        "context": {"locale": "ru", "campaign": {"name": "x"}},
        "properties": {
            "order_id": f"o{chance.getrandbits(30)}",
            "total": 3.5,
            "currency": "EUR",
            "products": [{"product_id": "p1", "quantity": 2, "price": "1.50"}],
            "product_id": "p1",
        },
    }
    for _ in range(chance.randint(1, 3)):
        place: Any = message
        while True:
            key = chance.choice(list(place))
            if isinstance(place[key], dict) and place[key] and chance.random() < 0.7:
                place = place[key]
                continue
            if chance.random() < 0.2:
                del place[key]
            else:
                place[key if chance.random() < 0.8 else f"{key}x"] = copy.deepcopy(chance.choice(_STRANGE))
            break
        if not message:
            break
    text = json.dumps(message, ensure_ascii=chance.random() < 0.5).encode()
    if chance.random() < 0.02:
        where = chance.randrange(len(text))
        text = text[:where] + bytes([chance.randrange(256)]) + text[where + 1 :]
    return text


def _claims(
    minutes: float, events: int, load: Load, soaked: Watch, garbage: Counter[int], mutated: Watch
) -> list[claim.Claim]:
    failed = sum(count for status, count in load.statuses.items() if status >= 500)
    broken = sum(count for status, count in garbage.items() if status >= 500)
    rows = (
        (f"soak: memory after {minutes:g} minutes over that of the beginning", soaked.grown("megabytes"), "<= 1.05"),
        ("soak: file descriptors, last over first", soaked.grown("files"), "<= 1.02"),
        ("soak: threads, last over first", soaked.grown("threads"), "<= 1.02"),
        ("soak: answers with 5xx", float(failed), "<= 0"),
        (f"garbage: answers with 5xx to {events} mutated events", float(broken), "<= 0"),
        ("garbage: memory, last over first", mutated.grown("megabytes"), "<= 1.05"),
    )
    return [
        claim.Claim(
            measure=measure,
            data="Complete Journey, the demo's models",
            protocol="2 workers on SQLite; recommendations, events, decisions, forecasts 5:4:1:1 at half of the peak",
            ours=round(ours, 3),
            interval=None,
            baselines={"requests a second": round(load.rate, 1), "p99, ms": round(load.percentile(99), 1)},
            must=must,
            goal=must,
            met=ours <= float(must.removeprefix("<= ")),
            seeds=(0, 1),
            cpu_seconds=round(load.cpu_us * load.rate * load.seconds / 1e6, 1),
            machine=claim.machine(),
            commit=claim.commit(),
        )
        for measure, ours, must in rows
    ]


if __name__ == "__main__":
    typer.run(run)

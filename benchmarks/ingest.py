"""Import of events into the log: rows a second from file to disk, beside reading row by row in Python.

    python -m benchmarks.ingest

Real: Complete Journey, whose 1.47 M lines are 155,518 orders. Strict: 500,000 views of visitors in sessions, where
every row is an event. Into a fresh SQLite file with `synchronous=FULL`. Prints, and writes `results/ingest.json` and
the section of `README.md`.
"""

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from features.database import open_database
from features.log import EVENTS, Log, to_record
from features.segment import parse
from pipelines.ingest import ImportReport, ingest
from pipelines.presets.complete_journey import PRESET

VIEWS = 500_000
ROUNDS = 5
BASELINE_ROWS = 50_000
SEED = 7
MUST = 50_000
_T_95 = 2.776  # Student's t for 4 degrees of freedom
_AT = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Timing:
    """Seconds on the clock and of the processor, of each round."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    def rate(self, rows: int) -> tuple[float, tuple[float, float]]:
        """Rows a second, with its 95 % interval over the rounds."""
        rates = [rows / seconds for seconds in self.wall]
        half = _T_95 * stdev(rates) / len(rates) ** 0.5
        return mean(rates), (mean(rates) - half, mean(rates) + half)


def main() -> None:
    """Measure everything."""
    with TemporaryDirectory(prefix="kairos-") as name:
        folder = Path(name)
        views = write_views(folder / "views.csv")
        rejects = folder / "rejects.csv"
        claims = [
            *claim(
                "Complete Journey: 1,469,307 lines in 155,518 orders, Parquet",
                lambda engine: ingest(None, engine, _AT, PRESET, reject_file=rejects),
                {},
                folder,
            ),
            *claim(
                f"made: {VIEWS:,} views of sessions, CSV, every row an event",
                lambda engine: ingest(views, engine, _AT),
                {"row by row in Python, rows/s": row_by_row(views, folder)},
                folder,
            ),
        ]
    table = Table("measure", "data", "rows/s", "95 %", "beside", "CPU s", title=f"Import, {machine()}")
    for each in claims:
        beside = ", ".join(f"{name} {value:,.0f}" for name, value in each.baselines.items())
        low, high = each.interval or (0, 0)
        table.add_row(
            each.measure,
            each.data,
            f"{each.ours:,.0f}",
            f"{low:,.0f} to {high:,.0f}",
            beside,
            f"{each.cpu_seconds:.1f}",
        )
    console = Console(width=160)
    console.print(table)
    write(claims, "ingest")
    replace_section(ROOT / "README.md", "ingest", markdown(claims))


def claim(
    data: str, run: Callable[[Engine], ImportReport], baselines: Mapping[str, float], folder: Path
) -> Iterator[Claim]:
    """What a first import does, and what the second costs, which finds every event in the log."""
    first, again = measure(run, folder)
    for title, (timing, report), must in (("first import", first, MUST), ("the same again", again, None)):
        rate, interval = timing.rate(report.rows)
        yield Claim(
            measure=f"{title}, rows/s",
            data=data,
            protocol=f"mean of {ROUNDS} rounds, each into a fresh SQLite file with synchronous=FULL",
            ours=round(rate),
            interval=(round(interval[0]), round(interval[1])),
            baselines=dict(baselines) if must else {},
            must=f"{must:,} rows/s" if must else None,
            goal=None,
            met=interval[0] >= must if must else None,
            seeds=(SEED,),
            cpu_seconds=round(mean(timing.cpu), 2),
            machine=machine(),
            commit=commit(),
        )


Measured = tuple[Timing, ImportReport]


def measure(run: Callable[[Engine], ImportReport], folder: Path) -> tuple[Measured, Measured]:
    """A first and a second import in each round."""
    reports: list[list[ImportReport]] = [[], []]
    clocks: list[list[tuple[float, float]]] = [[], []]
    for round_ in range(ROUNDS):
        engine = open_database(f"sqlite:///{folder / f'{round_}.db'}")
        for which in (0, 1):
            wall, cpu = time.perf_counter(), time.process_time()
            reports[which].append(run(engine))
            clocks[which].append((time.perf_counter() - wall, time.process_time() - cpu))
        if reports[0][-1].events == 0 or reports[1][-1].events:
            raise RuntimeError(f"the first import should write everything and the second nothing: {reports}")
        engine.dispose()
        for file in folder.glob(f"{round_}.db*"):
            file.unlink()
    timings = [Timing(tuple(w for w, _ in each), tuple(c for _, c in each)) for each in clocks]
    return (timings[0], reports[0][-1]), (timings[1], reports[1][-1])


def row_by_row(path: Path, folder: Path) -> float:
    """Rows a second of the plain way: `csv`, the parser of the HTTP interface, batches into the same log."""
    log = Log(open_database(f"sqlite:///{folder / 'baseline.db'}"), EVENTS)
    started = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        rows = enumerate(islice(csv.DictReader(file), BASELINE_ROWS))
        while batch := list(islice(rows, 10_000)):
            events = [parse(_message(number, row), "track", _AT) for number, row in batch]
            log.append([to_record(event) for event in events if event is not None])
    return BASELINE_ROWS / (time.perf_counter() - started)


def _message(number: int, row: Mapping[str, str]) -> dict[str, object]:
    return {
        "messageId": str(number),
        "event": "Product Viewed",
        "userId": row["user_id"],
        "anonymousId": row["anonymous_id"],
        "timestamp": row["occurred_at"],
        "properties": {name: row[name] for name in ("product_id", "price", "currency")},
    }


def write_views(path: Path) -> Path:
    """Views of visitors who come for sessions of five views on average, half of them customers; sorted by time."""
    chance = np.random.default_rng(SEED)
    session = np.repeat(np.arange(VIEWS), chance.geometric(0.2, VIEWS))[:VIEWS]
    visitor = chance.integers(0, 100_000, VIEWS)[session]
    seconds = chance.integers(0, 90 * 86_400, VIEWS)[session] + np.arange(VIEWS) % 600
    start = datetime(2026, 8, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as file:
        file.write("type,occurred_at,user_id,anonymous_id,product_id,price,currency\n")
        products = chance.zipf(1.3, VIEWS) % 30_000
        for index in np.argsort(seconds, kind="stable"):
            person = int(visitor[index])
            user = f"u{person}" if person % 2 else ""
            at = (start + timedelta(seconds=int(seconds[index]))).isoformat()
            product = int(products[index])
            file.write(f"product_viewed,{at},{user},a{person},p{product},{product % 97 + 0.99:.2f},EUR\n")
    return path


def markdown(claims: list[Claim]) -> str:
    """The table for `README.md`."""
    lines = [
        f"Measured at {claims[0].commit} on {claims[0].machine}.",
        "",
        "| data | what | rows/s | 95 % | CPU s | must |",
        "|---|---|---|---|---|---|",
    ]
    for each in claims:
        low, high = each.interval or (0, 0)
        what = each.measure.removesuffix(", rows/s")
        must = f"{each.must}: {'met' if each.met else 'missed'}" if each.must else ""
        lines.append(
            f"| {each.data} | {what} | {each.ours:,.0f} | {low:,.0f} to {high:,.0f} | {each.cpu_seconds} | {must} |"
        )
    lines += [
        f"| {each.data} | {name.removesuffix(', rows/s')} | {value:,.0f} | | | |"
        for each in claims
        for name, value in each.baselines.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

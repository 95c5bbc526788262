"""How many machines of which size a shop needs, reckoned from `results/scale.json` and `results/serving.json`.

    python -m benchmarks.scale_sizing        # writes the table of docs/sizing.md

What is larger than the largest cell is foreseen from it by the exponent of its step, which counts as 1 at least.
Nothing is measured here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console

from benchmarks.claim import ROOT, replace_section
from benchmarks.scale_report import MILLION, Cell, growths

MONTHS = 12
"""How long a shop keeps its history: `KAIROS_RETENTION_HISTORY_DAYS` is 365."""
PEAK = 4
"""Events of the busiest second over those of the mean one."""
ASKED = 0.25
"""Recommendations asked for per event: one page in three or four shows some."""
LOAD = 0.5
"""How busy the service may be at the peak."""
NIGHT = 4 * 3_600
"""Seconds in which the nightly jobs are to be done."""
LIBRARIES = 0.5
"""GB that a process takes before it has read anything."""
MACHINES = ((2, 8), (2, 16), (4, 32), (8, 64), (16, 128), (32, 256), (64, 512))
"""Cores and GB of memory, as clouds let them where memory is what is wanted."""
SHOPS = (MILLION, 10 * MILLION, 100 * MILLION, 1_000 * MILLION)

NIGHTLY = ("all features", "materialize", "lines for replenishment", "restock score")
WEEKLY = ("lines for recommenders", "rp3beta", "lines for replenishment", "hazard")
_EVENT, _RECOMMENDATION = "events on disk a second, one a request", "recommendations a second on 2 workers"

app = typer.Typer(add_completion=False)
console = Console(width=160)


@dataclass(frozen=True)
class Priced:
    """CPU-seconds, or GB, and whether a cell as large was measured."""

    amount: float
    measured: bool

    def __add__(self, other: "Priced") -> "Priced":
        return Priced(self.amount + other.amount, self.measured and other.measured)


@dataclass(frozen=True)
class Need:
    """What a shop of `events` a month needs. Rates are per second at the peak; sizes in GB; None is not measured."""

    events: int
    rate: float
    service_cores: float
    nightly: Priced | None
    weekly: Priced | None
    memory: Priced | None
    log_gigabytes: float | None
    history_gigabytes: float

    @property
    def nightly_cores(self) -> float | None:
        """So that the night is long enough."""
        return self.nightly.amount / NIGHT if self.nightly else None

    @property
    def machines(self) -> str:
        """Two for the service, so that one may die, and one for the jobs.

        Where no machine holds the training of all that is kept, it is to learn from so many days.
        """
        if self.nightly_cores is None or self.memory is None:
            return "?"
        serving = next((each for each in MACHINES if each[0] >= self.service_cores), None)
        largest = MACHINES[-1][1]
        wanted = min(self.memory.amount, largest)
        jobs = next((each for each in MACHINES if each[0] >= self.nightly_cores and each[1] >= wanted), None)
        if serving is None or jobs is None:
            return "more than the largest of the list"
        days = round(MONTHS / 12 * 365 * largest / self.memory.amount)
        short = f", a history of {days} days" if self.memory.amount > largest else ""
        return f"2 of {_told(serving)}; 1 of {_told(jobs)}{short}"


@app.command()
def main() -> None:
    """Reckon, print, write."""
    rows, served = (json.loads((ROOT / "results" / f"{name}.json").read_text()) for name in ("scale", "serving"))
    found = table([need(events, cells_of(rows), costs(served)) for events in SHOPS])
    console.print(found, markup=False)
    replace_section(ROOT.parent / "docs" / "sizing.md", "sizing", found)


def cells_of(rows: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """The figures of `results/scale.json` as cells again, one a size."""
    found = []
    for row in rows:
        name, _, step = row["measure"].partition(", ")
        if name == "CPU-seconds" and row["must"] is None:
            size = round(float(row["data"].split(", ")[1].split()[0]) * MILLION)
            done = dict(row["baselines"])
            told = row["commit"], row["ours"], done.pop("GB at the peak")
            found.append(Cell(step, size, row["seeds"][0], *told, done, machine=row["machine"]))
    return found


def costs(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """CPU-seconds of the service for one event and one recommendation, from `results/serving.json`."""
    told = {row["measure"]: row for row in rows}
    personal = next(row for name, row in told.items() if name.startswith("personal recommendation, 50"))
    return {
        "event": told[_EVENT]["baselines"]["CPU us"] / 1e6,
        "recommendation": personal["baselines"]["ours CPU us"] / 1e6,
    }


def need(events: int, cells: Sequence[Cell], served: Mapping[str, float]) -> Need:
    """Of a shop with so many events a month. Raises KeyError for a step that was not measured at all."""
    kept = events * MONTHS
    rate = PEAK * events / (30 * 86_400)
    made = {cell.step: cell for cell in sorted(cells, key=lambda cell: cell.size)}
    measured = {cell.step for cell in cells}
    return Need(
        events=events,
        rate=rate,
        service_cores=rate * (served["event"] + ASKED * served["recommendation"]) / LOAD,
        nightly=_sum([_priced(cells, step, kept) for step in NIGHTLY], _priced(cells, "compaction", events // 30))
        if measured >= {*NIGHTLY, "compaction"}
        else None,
        weekly=_sum([_priced(cells, step, kept) for step in WEEKLY]) if measured >= {*WEEKLY} else None,
        memory=max((_memory(cells, step, kept) for step in (*NIGHTLY, *WEEKLY)), key=lambda each: each.amount)
        if measured >= {*NIGHTLY, *WEEKLY}
        else None,
        log_gigabytes=kept * _bytes_an_event(made["log"]) / 1e9 if "log" in made else None,
        history_gigabytes=kept * _bytes_an_event(made["history"]) / 1e9,
    )


def table(needs: Sequence[Need]) -> str:
    """One row a shop; what was extrapolated is marked by a tilde, what was not measured at all is a question mark."""
    lines = [
        "| events a month | in the history | events/s at the peak | cores of the service | "
        "CPU-hours a night | cores to be done in 4 hours | CPU-hours of training a week | GB of memory for the jobs | "
        "event log, GB | history, GB | machines: service; jobs |",
        f"|{'---:|' * 10}---|",
    ]
    for each in needs:
        cells = (
            _count(each.events),
            _count(each.events * MONTHS),
            f"{each.rate:,.0f}",
            f"{each.service_cores:.2g}",
            _hours(each.nightly),
            "?" if each.nightly_cores is None else f"{each.nightly_cores:.2g}",
            _hours(each.weekly),
            "?" if each.memory is None else f"{_mark(each.memory)}{each.memory.amount:,.0f}",
            "?" if each.log_gigabytes is None else f"{each.log_gigabytes:,.1f}",
            f"{each.history_gigabytes:,.1f}",
            each.machines,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _priced(cells: Sequence[Cell], step: str, size: int) -> Priced:
    """By the growth of the step; linear from its largest cell where its growth is not known."""
    largest = max(
        (cell for cell in cells if cell.step == step and cell.seconds), key=lambda cell: cell.size, default=None
    )
    if largest is None or largest.seconds is None:
        raise KeyError(f"{step} was not measured; run `python -m benchmarks.scale --only '{step}'` first")
    growth = growths(cells).get(step)
    seconds = growth.seconds(size) if growth else largest.seconds * size / largest.size
    return Priced(seconds, size <= largest.size)


def _memory(cells: Sequence[Cell], step: str, size: int) -> Priced:
    """That of the next larger cell, and linear beyond the largest but for the libraries."""
    told = {cell.size: cell.gigabytes for cell in cells if cell.step == step and cell.gigabytes}
    enough = [cell for cell in told if cell >= size]
    if enough:
        return Priced(told[min(enough)], True)
    return Priced(LIBRARIES + (told[max(told)] - LIBRARIES) * size / max(told), False)


def _sum(parts: Sequence[Priced], *others: Priced) -> Priced:
    return sum([*parts, *others], Priced(0.0, True))


def _bytes_an_event(cell: Cell) -> float:
    return cell.done["bytes"] / cell.done["events"]


def _hours(priced: Priced | None) -> str:
    if priced is None:
        return "?"
    return f"{_mark(priced)}{priced.amount / 3_600:.2g}"


def _mark(priced: Priced) -> str:
    return "" if priced.measured else "~"


def _told(machine: tuple[int, int]) -> str:
    cores, gigabytes = machine
    return f"{cores} cores and {gigabytes} GB"


def _count(events: int) -> str:
    return f"{events / 1_000 / MILLION:g} B" if events >= 1_000 * MILLION else f"{events / MILLION:g} M"


if __name__ == "__main__":
    app()

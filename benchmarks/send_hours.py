"""Hours of the week: does pooling predict when people are there, and is the hour that it picks a better one to write?

    python -m benchmarks.send_hours FOLDER        # of `v2_heatmap_hora_dia.csv`; without it the built-in shape

Two questions. Complete Journey: visits of a later period, scored by the hours learned before it. A planted shop with
the shape of Retailrocket's traffic, where each customer has hours of their own and the shop used to write in the
morning: how much of what the best hour of each customer would gain is had by each way to pick it.
"""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.last_basket import packaged
from models.arrays import Codes, Floats
from models.policies.hour_of_week import HourOfWeek
from models.policies.rhythm import HOURS_OF_WEEK, Replies, Visits

TOLD, UNTIL = 250, 320
"""Days of Complete Journey: learned from until the first, scored until the second; tuned on days 200 to 250."""

SEEDS = (11, 12, 13)
CUSTOMERS = 4_000
WINDOW, HALF_LIFE, LEVEL = 48, 6.0, 0.02
DAYS = ("Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo")
"""As the file has them, Monday first."""

app = typer.Typer(add_completion=False)
console = Console(width=160)


@app.command()
def main(
    shape: Annotated[Path | None, typer.Argument(help="folder of retailrocket's hours and weekdays")] = None,
    data: Annotated[Path | None, typer.Option(help="folder with transactions.parquet")] = None,
) -> None:
    """Measure, print, write."""
    started = time.process_time()
    predicted = visits_to_come(data or packaged())
    first = time.process_time() - started
    curve = traffic(shape)
    runs = [picked(curve, seed) for seed in SEEDS]
    second = time.process_time() - started - first
    shares = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
    text = (
        f"Complete Journey, days {TOLD} to {UNTIL} by hours learned before: mean log probability of a visit's hour of "
        f"the week {_told(predicted)}. Planted shop ({CUSTOMERS:,} customers, seeds {SEEDS}), share of what the best "
        f"hour of each customer gains over an hour at random: {_told(shares)}. {first + second:.0f} CPU-s. {machine()}."
    )
    console.print(text, markup=False)
    rows = (
        ("log probability of a visit's hour of the week", "Complete Journey", predicted, (), first),
        (
            "share of the gain of the best send hour",
            "planted, with Retailrocket's hours" if shape else "planted",
            shares,
            SEEDS,
            second,
        ),
    )
    claims = [
        Claim(
            measure=measure,
            data=source,
            protocol=f"learned before day {TOLD}" if not seeds else f"{CUSTOMERS:,} customers, 10 % of sends at random",
            ours=found["hour_of_week"],
            interval=None,
            baselines={name: value for name, value in found.items() if name != "hour_of_week"},
            must=None,
            goal=None,
            met=None,
            seeds=seeds,
            cpu_seconds=cpu,
            machine=machine(),
            commit=commit(),
        )
        for measure, source, found, seeds, cpu in rows
    ]
    write(claims, "decisions", "send_hours")
    if "<!-- send_hours -->" in (ROOT / "README.md").read_text():
        replace_section(ROOT / "README.md", "send_hours", text)


def visits_to_come(folder: Path) -> dict[str, float]:
    """How likely the hours of later visits are, by everybody's hours, by each household's own and by both."""
    lines = pd.read_parquet(folder / "transactions.parquet", columns=["household_id", "transaction_timestamp"])
    hour = lines.transaction_timestamp.dt.floor("h")
    customers = pd.factorize(lines.household_id, sort=True)[0]
    seen = pd.DataFrame({"customer": customers, "at": hour}).drop_duplicates()
    day = (seen["at"] - seen["at"].min().normalize()).dt.days.to_numpy()
    who = seen.customer.to_numpy(np.int32)
    at = (24 * seen["at"].dt.dayofweek + seen["at"].dt.hour).to_numpy(np.int32)
    number = int(who.max()) + 1
    before, after = day < TOLD, (day >= TOLD) & (day < UNTIL)
    segments = np.zeros(number, np.int32)
    visits = Visits(who[before], at[before], segments)
    model, counts = HourOfWeek().fit(visits), visits.counts.toarray()
    shares = {
        "everybody alike": np.tile((counts.sum(axis=0) + 1) / (counts.sum() + HOURS_OF_WEEK), (number, 1)),
        "own visits": _own(counts),
        "hour_of_week": model.shares(counts, segments),
    }
    return {name: float(np.log(share[who[after], at[after]]).mean()) for name, share in shares.items()}


def traffic(folder: Path | None) -> Floats:
    """Shares of views by hour of the week: Retailrocket's, or a day with a peak in the evening."""
    if folder is None:
        hour = np.arange(HOURS_OF_WEEK) % 24
        curve = 1.2 + np.cos(2 * np.pi * (hour - 20) / 24)
    else:
        table = pd.read_csv(folder / "v2_heatmap_hora_dia.csv", decimal=",")
        curve = np.zeros(HOURS_OF_WEEK)
        day = table.dow_name.map({name: place for place, name in enumerate(DAYS)})
        curve[(24 * day + table.hour.astype(float)).to_numpy(np.int64)] = table.view
    return np.asarray(curve / curve.sum(), np.float64)


def picked(traffic: Floats, seed: int) -> dict[str, float]:
    """The share of the attainable gain that each way to pick an hour has."""
    rng = np.random.default_rng(seed)
    curves = _customers(rng, traffic)
    segments = np.zeros(CUSTOMERS, np.int32)
    number = rng.negative_binomial(1, 1 / 16, CUSTOMERS)
    who = np.repeat(np.arange(CUSTOMERS, dtype=np.int32), number)
    visits = Visits(who, _drawn(rng, curves[who]), segments)
    replies = _mailed(rng, curves)
    chance = _chance(curves)
    model = HourOfWeek().fit(visits, replies)
    counts = visits.counts.toarray()
    answered = replies.waits >= 0
    opened = (replies.hours + replies.waits)[answered] % HOURS_OF_WEEK
    opens = Visits(replies.customers[answered], opened.astype(np.int32), segments).counts.toarray()
    of_all = opens.sum(axis=0)
    ways = {
        "hour of past opens": np.where(opens.any(axis=1), opens.argmax(axis=1), of_all.argmax()),
        "busiest hour of the shop": np.full(CUSTOMERS, counts.sum(axis=0).argmax()),
        "hours of the shop": np.full(CUSTOMERS, _chance(counts.sum(axis=0, keepdims=True) / counts.sum()).argmax()),
        "busiest own hour": np.where(counts.any(axis=1), counts.argmax(axis=1), counts.sum(axis=0).argmax()),
        "own visits": _chance(_own(counts)).argmax(axis=1),
        "hour_of_week": model.scores(counts, segments).argmax(axis=1),
    }
    at_random, best = chance.mean(), chance.max(axis=1).mean()
    had = {name: chance[np.arange(CUSTOMERS), hours].mean() for name, hours in ways.items()}
    return {name: float((value - at_random) / (best - at_random)) for name, value in had.items()}


def _customers(rng: np.random.Generator, traffic: Floats) -> Floats:
    """Everybody's hours: the shop's, earlier or later by hours, sharper around a peak, more or less on weekends."""
    shift = np.round(rng.normal(0, 3, CUSTOMERS)).astype(np.int64)
    day = traffic.reshape(7, 24)
    hours = (np.arange(24) - shift[:, None]) % 24
    curves = day[:, hours].transpose(1, 0, 2) ** rng.uniform(1, 3, CUSTOMERS)[:, None, None]
    curves[:, 5:] *= np.exp(rng.normal(0, 0.7, CUSTOMERS))[:, None, None]
    flat = curves.reshape(CUSTOMERS, HOURS_OF_WEEK)
    return np.asarray(flat / flat.sum(axis=1, keepdims=True), np.float64)


def _drawn(rng: np.random.Generator, curves: Floats) -> Codes:
    at = (rng.random(len(curves))[:, None] > np.cumsum(curves, axis=1)).sum(axis=1)
    return np.asarray(np.minimum(at, HOURS_OF_WEEK - 1), np.int32)


def _mailed(rng: np.random.Generator, curves: Floats) -> Replies:
    """Eight messages each, nine in ten of them between nine and eleven in the morning."""
    customers = np.repeat(np.arange(CUSTOMERS, dtype=np.int32), 8)
    randomised = rng.random(len(customers)) < 0.1
    morning = 24 * rng.integers(0, 7, len(customers)) + rng.integers(9, 11, len(customers))
    hours = np.where(randomised, rng.integers(0, HOURS_OF_WEEK, len(customers)), morning).astype(np.int32)
    waits = np.full(len(customers), -1, np.int32)
    for wait, hazard in enumerate(_faded()):
        rate = HOURS_OF_WEEK * curves[customers, (hours + wait) % HOURS_OF_WEEK]
        waits[(waits < 0) & (rng.random(len(customers)) < 1 - np.exp(-hazard * rate))] = wait
    return Replies(customers, hours, waits, np.full(len(customers), WINDOW, np.int32), randomised)


def _chance(curves: Floats) -> Floats:
    """The chance of an answer to a message in each hour of the week, shape (customers, 168)."""
    hazard = np.zeros_like(curves)
    for wait, left in enumerate(_faded()):
        hazard += left * HOURS_OF_WEEK * np.roll(curves, -wait, axis=1)
    return np.asarray(-np.expm1(-hazard), np.float64)


def _faded() -> Floats:
    return np.asarray(LEVEL * 0.5 ** (np.arange(WINDOW) / HALF_LIFE), np.float64)


def _own(counts: Floats) -> Floats:
    """A customer's own shares of visits, with a tenth of one in each hour so that none is impossible."""
    return np.asarray((counts + 0.1) / (counts.sum(axis=1, keepdims=True) + 0.1 * HOURS_OF_WEEK), np.float64)


def _told(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


if __name__ == "__main__":
    app()

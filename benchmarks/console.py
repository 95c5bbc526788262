"""How long the pages of the console take in a shop of 1 M events, and how long its reports take to compute.

    python -m benchmarks.console FOLDER          # makes the shop below FOLDER once, which takes minutes

A made shop: 100,000 customers, 5,000 products, a year of views, additions and orders of a realistic skew, and 20,000
decisions with what came of them. Each page is opened by one caller; the time is that of the wall, so the machine should
be idle. Writes rows into `results/console.json` and the table into `benchmarks/README.md`.
"""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import serving_world
from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.load import Service, started
from features.catalog import Catalog
from features.catalog import Product as Row
from features.database import open_database
from features.events import Body, Event, Line
from features.log import DECISIONS, EVENTS, Log, to_record
from models.registry import Registry
from pipelines.refresh import build_features, compact_history, materialize_features
from pipelines.report import Reported, report
from pipelines.serve import environment
from pipelines.settings import Settings
from serving.access.key_table import KeyTable
from serving.console.pages import PAGES
from training.simulator.reported import reported
from training.simulator.world import World

EVENTS_MADE, CUSTOMERS, PRODUCTS, DECIDED = 1_000_000, 100_000, 5_000, 20_000
END = datetime(2026, 9, 25, tzinfo=UTC)
"""The decisions of the simulator are over by then."""

DATA = "made shop: 1 M events of 100,000 customers over 5,000 products, 20,000 decisions"
MUST_MS = 300.0
_TYPES = np.array(["product_viewed", "product_added", "order_completed"])
_SHARES = (0.75, 0.12, 0.13)
_ROUNDS, _A_TIME = 15, 20_000
_SEED = 0


def main(folder: Annotated[Path, typer.Argument(help="where the shop is made, or was made before")]) -> None:
    """Measure, print, write."""
    settings = serving_world.settings_of(folder)
    if not (folder / "done").exists():
        build(settings)
        (folder / "done").touch()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    computed = report(settings, registry, [], END, datetime.now(UTC), lambda _done, _all: None)
    key = KeyTable(open_database(settings.database_url)).create("adm", "benchmark", datetime.now(UTC)).secret
    with started(
        "serving.service:Kairos", environment(settings, os.environ), folder / "service.log", "/livez"
    ) as service:
        claims = measured(service, key)
    claims += [_claim(f"computing {one.name}, CPU-s", one.cpu_seconds, None) for one in computed]
    text = table(claims, computed)
    typer.echo(text)
    write(claims, "console")
    replace_section(ROOT / "README.md", "console", text)


def build(settings: Settings) -> None:
    """Make the shop: events and catalogue, decisions, history and features."""
    engine = open_database(settings.database_url)
    log, rng = Log(engine, EVENTS), np.random.default_rng(_SEED)
    Catalog(engine).upsert([_product(number) for number in range(PRODUCTS)], END)
    for events in _events(rng):
        log.append([to_record(event) for event in events])
    told = reported(World(_SEED), rng, DECIDED)
    for source, target in ((told.logs.events, log), (told.logs.decisions, Log(engine, DECISIONS))):
        for records in source.scan():
            target.append([replace(one, position=0) for one in records])
    compact_history(settings, lambda _: None)
    build_features(settings, END, END)
    materialize_features(settings, lambda _: None)


def measured(service: Service, key: str) -> list[Claim]:
    """The time of each page, signed in, and of that of one visitor, who is looked for by id."""
    claims = []
    with httpx.Client(base_url=service.url, timeout=60, follow_redirects=True) as browser:
        browser.post("/console/sign-in", data={"key": key}).raise_for_status()
        for page in PAGES:
            first, *times = [_milliseconds(browser, page.path) for _ in range(1 + _ROUNDS)]
            claims.append(_claim(f"page {page.path}, ms", float(np.percentile(times, 95)), MUST_MS, {"first": first}))
        browser.headers["x-csrf-token"] = _token(browser.get("/console").text)
        asked = {"id": "c17", "user_id": "c17"}
        times = [_milliseconds(browser, "/console/visitor", asked) for _ in range(_ROUNDS)]
        claims.append(_claim("page of one visitor, ms", float(np.percentile(times, 95)), MUST_MS))
    return claims


def table(claims: list[Claim], computed: list[Reported]) -> str:
    """What was found, as Markdown."""
    pages = [claim for claim in claims if claim.must]
    rows = [f"| {one.measure.removesuffix(', ms')} | {one.ours:.0f} | {'yes' if one.met else 'no'} |" for one in pages]
    spent = ", ".join(f"{one.name} {one.cpu_seconds:.1f}" for one in computed)
    head = ["| page | 95 % of answers within, ms | below 300 |", "| --- | ---: | --- |"]
    return "\n".join(
        [f"{DATA}; {machine()}.", "", *head, *rows, "", f"Computing the reports takes, in CPU-s: {spent}."]
    )


def _events(rng: np.random.Generator) -> Iterator[list[Event]]:
    who = np.minimum(rng.zipf(1.3, EVENTS_MADE), CUSTOMERS) - 1
    who[: EVENTS_MADE // 2] = rng.integers(CUSTOMERS, size=EVENTS_MADE // 2)
    what = np.minimum(rng.zipf(1.2, EVENTS_MADE), PRODUCTS) - 1
    kinds = _TYPES[rng.choice(len(_TYPES), EVENTS_MADE, p=_SHARES)]
    seconds = np.sort(rng.integers(365 * 24 * 3600, size=EVENTS_MADE))
    for first in range(0, EVENTS_MADE, _A_TIME):
        some = range(first, min(first + _A_TIME, EVENTS_MADE))
        yield [_event(number, who, what, kinds, seconds) for number in some]


def _event(
    number: int, who: NDArray[np.int64], what: NDArray[np.int64], kinds: NDArray[np.str_], seconds: NDArray[np.int64]
) -> Event:
    kind, at = str(kinds[number]), END - timedelta(days=365) + timedelta(seconds=int(seconds[number]))
    line = Line(product_id=f"p{what[number]}", quantity=1.0, price=Decimal(int(what[number]) % 40 + 1))
    body = Body(lines=(line,), currency="EUR", order_id=f"o{number}" if kind == "order_completed" else None)
    return Event(
        message_id=f"m{number}", type=kind, occurred_at=at, received_at=at, user_id=f"c{who[number]}", body=body
    )


def _product(number: int) -> Row:
    price = Decimal(number % 40 + 1)
    return Row(product_id=f"p{number}", title=f"Thing {number}", category=f"Kind {number % 50}", price=price)


def _milliseconds(browser: httpx.Client, path: str, form: dict[str, str] | None = None) -> float:
    began = time.perf_counter()
    answer = browser.get(path) if form is None else browser.post(path, data=form)
    answer.raise_for_status()
    return (time.perf_counter() - began) * 1e3


def _token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page) or re.search(r'"X-CSRF-Token": ?"([^"]+)"', page)
    return found[1] if found else ""


def _claim(measure: str, ours: float, must: float | None, beside: dict[str, float] | None = None) -> Claim:
    return Claim(
        measure=measure,
        data=DATA,
        protocol=f"one caller, {_ROUNDS} times after the first, on loopback" if must else "one process",
        ours=round(ours, 2),
        interval=None,
        baselines={name: round(value, 1) for name, value in (beside or {}).items()},
        must=f"at most {must:g}" if must else None,
        goal=None,
        met=ours <= must if must else None,
        seeds=(_SEED,),
        cpu_seconds=round(time.process_time(), 1),
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    typer.run(main)

"""The whole loop on real data, once: `make demo`.

A year of groceries in, three households answered over HTTP, and carts decided about that were left behind.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from features.database import open_database
from models.promotion import promote
from models.published import CHAMPION, Version
from models.registry import Registry
from pipelines.catalog import import_catalog
from pipelines.console import bar, counting
from pipelines.demo_console import look, offer, simulate_weeks
from pipelines.demo_decision import POLICY, begin, recover
from pipelines.demo_groups import with_groups
from pipelines.demo_restock import foresee, restock
from pipelines.ingest import ingest
from pipelines.keys import bearing, demo_key
from pipelines.presets.complete_journey import PRESET
from pipelines.refresh import build_features, compact_history, end_of_history, materialize_features
from pipelines.registry import registry_of
from pipelines.score import MODEL as RESTOCK
from pipelines.serve import running
from pipelines.settings import Settings
from pipelines.train import print_trained, train_recommender

MODEL = "recommender"
HOUSEHOLDS = {"733": "feeds several cats", "1839": "has a baby", "947": "has a dog"}
"""Three of the 2,469 households, and what their purchases tell a person."""

CARTS = (*HOUSEHOLDS, "1", "13", "40", "58", "208")
"""Households that leave a cart behind."""

_REPLAY = {"KAIROS_ALLOW_AS_OF": "true", "KAIROS_FEATURE_TIMEOUT_MS": "5000"}
"""The data end years ago, so restocking and decisions are asked as of then; a busy machine is given time."""

NEWCOMER = "visitor-of-this-minute"
LOG = Path("var/demo-service.log")


@dataclass(frozen=True)
class Answer:
    """One answer of `/v1/recommendations`: (title, source, reason) an item."""

    items: tuple[tuple[str, str, str], ...]
    fallback: str | None
    ids: tuple[str, ...]


def demo(settings: Settings, console: Console) -> None:
    """Import, compute, train, promote if the gate says so, serve, ask; then stop the service."""
    settings = with_groups(settings)
    registry = registry_of(settings)
    version = registry.alias(MODEL, CHAMPION)
    if version is not None:
        console.print(f"{MODEL} {version.number} is live since an earlier run; `make clean` starts from nothing.")
    else:
        prepare(settings, console)
        version = train_and_promote(settings, registry, console)
    foreseen = registry.alias(RESTOCK, CHAMPION) or foresee(settings, registry, console)
    deciding = begin(settings, registry, console)
    numbers = {MODEL: version, RESTOCK: foreseen, POLICY: deciding}
    live = "[/bold], [bold]".join(f"{name} {one.number}" for name, one in numbers.items())
    console.print(f"\nStarting the service with [bold]{live}[/bold] …")
    end = end_of_history(settings)
    secret = demo_key(settings)
    with (
        running(settings, LOG, own=_REPLAY) as url,
        httpx.Client(base_url=url, timeout=10, headers=bearing(secret)) as client,
    ):
        for household, known_for in HOUSEHOLDS.items():
            answer = ask(client, household)
            console.print(_table(f"Household {household}, which {known_for}", answer))
            console.print(*restock(client, household, end), sep="\n")
        console.print(*_an_event_changes_the_next_answer(client, end - timedelta(seconds=1)), sep="\n")
        for line in recover(client, settings, registry, CARTS, end):
            console.print(line, highlight=False)
        simulate_weeks(client, settings, registry, end, console)
        console.print(f"\nIt answered on {url}; it ends now. [bold]make serve[/bold] keeps it running, and answers to")
        console.print(_to_try(settings, secret), highlight=False, soft_wrap=True)
    offer(settings, registry, end, console)
    look(settings, registry, end, console)
    console.print(
        f"What was shown is in the decision log ({settings.database_url}), models and their evidence in MLflow: "
        f"[bold].venv/bin/mlflow ui --backend-store-uri {settings.mlflow_uri}[/bold]"
    )


def prepare(settings: Settings, console: Console) -> None:
    """Everything before training, as of the end of the data; after an interruption it may simply run again."""
    engine = open_database(settings.database_url)
    now = datetime.now(UTC)
    with bar(console, "Purchases into the event log") as tick:
        events = ingest(None, engine, now, PRESET, reject_file=Path("var/demo.rejects.csv"), progress=tick)
    console.print(
        f"  {events.rows:,} lines of 2,469 households: {events.events:,} new orders, "
        f"{events.duplicates:,} known before, {sum(events.rejected.values()):,} lines rejected {events.rejected}"
    )
    with bar(console, "Catalogue") as tick:
        import_catalog(None, engine, now, PRESET, progress=tick)
    with bar(console, "Log into the Parquet history") as tick:
        compact_history(settings, counting(tick))
    with bar(console, "Customer and product features"):
        as_of = end_of_history(settings)
        build_features(settings, as_of, created=as_of)
    with bar(console, "Features into the online store") as tick:
        materialize_features(settings, counting(tick))


def train_and_promote(settings: Settings, registry: Registry, console: Console) -> Version:
    """The first champion: judged on the last four weeks, and live because it beats every baseline there."""
    with bar(console, "Training and judging") as tick:
        trained = train_recommender(settings, registry, until=None, progress=tick)
    print_trained(trained, console)
    return promote(registry, MODEL, None, "demo", "first champion", datetime.now(UTC)).live


def ask(client: httpx.Client, user_id: str, limit: int = 8) -> Answer:
    """Recommendations of the home page for one customer."""
    body = {"subject": {"user_id": user_id}, "placement": "home", "limit": limit}
    found = client.post("/v1/recommendations", json=body).raise_for_status().json()
    items = tuple(
        (item["fields"].get("title", item["item_id"]), item["source"], item["reasons"][0]["text"])
        for item in found["items"]
    )
    return Answer(items, found["fallback"], tuple(item["item_id"] for item in found["items"]))


def _an_event_changes_the_next_answer(client: httpx.Client, moment: datetime) -> Sequence[Table | str]:
    """A newcomer gets what is popular; an order later, the very next answer is about it.

    The order is dated `moment`, within the year of the data, so that the next training still ends with that year.

    The order is of two things that the household with the baby gets, so the answer can be compared with theirs.
    """
    user = f"{NEWCOMER}-{uuid.uuid4().hex[:8]}"
    before = ask(client, user, limit=6)
    basket = ask(client, "1839", limit=3).ids[1:]
    order = {
        "messageId": uuid.uuid4().hex,
        "userId": user,
        "event": "Order Completed",
        "timestamp": moment.isoformat(),
        "properties": {"order_id": uuid.uuid4().hex, "products": [{"product_id": id_} for id_ in basket]},
    }
    client.post("/v1/track", json=order).raise_for_status()
    after = ask(client, user, limit=6)
    if after.ids == before.ids:
        raise RuntimeError(f"an order of {basket} did not change the next answer to {user}")
    return (
        _table(f"A newcomer, fallback: {before.fallback}", before),
        _table("The same newcomer, a moment after ordering two of what household 1839 gets", after),
    )


def _to_try(settings: Settings, secret: str) -> str:
    """A command line that asks the service with the key of the demo, which is not shown again."""
    asked = {"subject": {"user_id": next(iter(HOUSEHOLDS))}}
    return (
        f"  curl -s {settings.host}:{settings.port}/v1/recommendations -H 'authorization: Bearer {secret}' "
        f"-H 'content-type: application/json' -d '{json.dumps(asked)}'\n"
        "The key is good for a month; [bold]python -m pipelines keys create[/bold] makes others."
    )


def _table(title: str, answer: Answer) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", expand=False)
    for column in ("product", "source", "why"):
        table.add_column(column)
    for row in answer.items:
        table.add_row(*row)
    return table

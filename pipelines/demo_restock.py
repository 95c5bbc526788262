"""The second half of the demo: what each household needs again, as of the end of the data, and the cart for that."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from models.promotion import promote
from models.published import Version
from models.registry import Registry
from pipelines.console import bar, counting
from pipelines.refresh import end_of_history, materialize_features
from pipelines.score import MODEL, score
from pipelines.settings import Settings
from pipelines.train_replenishment import print_trained, train_replenishment

_SHOWN = 8
_PATIENCE = 60.0
"""Seconds."""


def foresee(settings: Settings, registry: Registry, console: Console) -> Version:
    """The first replenishment champion, and everybody forecast with it as of the end of the data."""
    with bar(console, "Restocking: training and judging") as tick:
        trained = train_replenishment(settings, registry, until=None, progress=tick)
    print_trained(trained, console)
    now = datetime.now(UTC)
    version = promote(registry, MODEL, None, "demo", "first champion", now).live
    with bar(console, "Forecasts of all households") as tick:
        found = score(settings, registry, end_of_history(settings), now, tick)
    console.print(f"  {found.forecasts:,} forecasts, {found.pairs_per_cpu_second:,.0f} pairs a CPU-second")
    with bar(console, "Forecasts into the online store") as tick:
        materialize_features(settings, counting(tick))
    return version


def restock(client: httpx.Client, household: str, as_of: datetime) -> Iterator[Table | str]:
    """What a household needs next, and the cart that is prepared for its next day of shopping."""
    asked = {"subject": {"user_id": household}, "as_of": as_of.isoformat()}
    forecast = _answer(client, "/v1/restock/forecast", asked)
    cart = _answer(client, "/v1/restock/carts", {**asked, "max_items": _SHOWN})
    known = [item for item in forecast["items"] if item["status"] != "unknown"]
    sure = [item for item in known if item["confidence"] == "high"]
    when = forecast["next_order"]["p50"]
    yield (
        f"\n{len(known)} of the {len(forecast['items'])} groups that it ever bought have a forecast, {len(sure)} "
        f"of them a date to rely on. Next order: {f'by {when}, as likely as not' if when else 'nobody knows when'}."
    )
    table = Table(title="The cart for it", title_justify="left", title_style="bold", expand=False)
    for column in ("product", "packs", "probability", "why"):
        table.add_column(column, justify="right" if column in ("packs", "probability") else "left")
    for item in cart["items"]:
        name = item["title"] or item["item_id"]
        table.add_row(name, str(item["quantity"]), f"{item['probability']:.0%}", item["words"])
    yield table if cart["items"] else cart["words"]


def _answer(client: httpx.Client, path: str, body: Mapping[str, Any]) -> Any:
    """The answer, once the service has loaded the model: it is ready for recommendations before that."""
    deadline = time.monotonic() + _PATIENCE
    while (response := client.post(path, json=body)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return response.raise_for_status().json()

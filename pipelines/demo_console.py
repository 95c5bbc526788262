"""The last part of the demo: what the console shows afterwards, and how to open it."""

from datetime import UTC, datetime

import httpx
from rich.console import Console

from models.registry import Registry
from pipelines.console import bar
from pipelines.demo_carts import CARTS, offer_carts, offered
from pipelines.demo_carts import RUN as DOUBLES
from pipelines.demo_history import RUN, WEEKS, live_through, lived
from pipelines.keys import CONSOLE, demo_key
from pipelines.report import report
from pipelines.settings import Settings


def simulate_weeks(
    client: httpx.Client, settings: Settings, registry: Registry, end: datetime, console: Console
) -> None:
    """Some weeks of decisions about made customers, once, for the console to show something."""
    if lived(settings):
        console.print("\nThe simulated weeks of decisions are there since an earlier run.")
        return
    console.print(f"\nOne cart proves nothing, so {WEEKS} weeks of a [bold]simulated[/bold] shop follow.")
    with bar(console, "Simulated: carts left behind") as tick:
        decisions = live_through(client, settings, registry, end, tick)
    console.print(
        f"  {decisions:,} decisions about customers whose ids begin with {RUN}-; only the policy learned of them"
    )


def offer(settings: Settings, registry: Registry, end: datetime, console: Console) -> None:
    """Some carts of made customers and what was said of them, once, for the page about restocking."""
    if offered(settings):
        return
    with bar(console, "Simulated: carts offered") as tick:
        answered = offer_carts(settings, registry, end, datetime.now(UTC), tick)
    console.print(
        f"  {answered:,} of {CARTS:,} made customers, whose ids begin with {DOUBLES}, said what they took; the other "
        "carts were empty, or nobody shopped again"
    )


def look(settings: Settings, registry: Registry, end: datetime, console: Console) -> None:
    """The console's reports as of the end of the data, and how to open it."""
    with bar(console, "Reports for the console") as tick:
        report(settings, registry, [], end, datetime.now(UTC), tick)
    secret = demo_key(settings, "adm", CONSOLE)
    console.print("\nThe console, as of the end of the data: [bold]make serve[/bold], then open")
    console.print(f"  http://{settings.host}:{settings.port}/console", highlight=False)
    console.print(f"and sign in with  [bold]{secret}[/bold]", highlight=False, soft_wrap=True)

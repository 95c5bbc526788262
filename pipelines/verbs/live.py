"""The verbs that decide what is live, and the service and the demo that show it."""

import getpass
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal

app = typer.Typer()

Why = Annotated[str, typer.Option(prompt=True, help="for the record")]


def _caller() -> str:
    """Who calls, for the record; a number where the user has no name, as in containers."""
    try:
        return getpass.getuser()
    except KeyError:
        return f"uid {os.getuid()}"


@app.command()
def promote(
    why: Why,
    name: Annotated[str, typer.Argument(help="the registered model")] = "recommender",
    version: Annotated[str | None, typer.Option(help="its number; the challenger by default")] = None,
    force: Annotated[bool, typer.Option("--force", help="past the gate; the version says so for ever")] = False,
    as_json: Json = False,
) -> None:
    """Make a version the champion if the gate passed it, a policy the canary first; the service follows in seconds."""
    from models.promotion import promote as verb
    from pipelines.live import moving_registry

    settings, console = Settings(), terminal()
    registry = moving_registry(settings)
    moved = verb(registry, name, version, _caller(), why, datetime.now(UTC), force)
    told = {"live": moved.live.number, "replaced": moved.replaced.number if moved.replaced else None}
    tell(told | ({"canary": moved.canary.number} if moved.canary else {}), as_json, console)


@app.command()
def rollback(
    why: Why,
    name: Annotated[str, typer.Argument(help="the registered model")] = "recommender",
    as_json: Json = False,
) -> None:
    """Give the alias champion back to the version that the champion replaced."""
    from pipelines.live import moving_registry

    settings = Settings()
    registry = moving_registry(settings)
    with registry.moving(name):
        live = registry.rollback(name, _caller(), why, datetime.now(UTC))
    tell({"live": live.number}, as_json, terminal())


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="port to listen on; 0 takes a free one")] = None,
) -> None:
    """Run the service until it is stopped."""
    from pipelines.serve import free_port
    from pipelines.serve import serve as verb

    settings = Settings()
    given = {"host": host or settings.host, "port": settings.port if port is None else port}
    given["port"] = given["port"] or free_port(str(given["host"]))
    settings = settings.model_copy(update=given)
    url = f"http://{settings.host}:{settings.port}"
    for label, path in {"docs": "/v1/docs", "ready": "/readyz", "metrics": "/metrics"}.items():
        terminal().print(f"{label:<8} {url}{path}")
    verb(settings)


@app.command()
def demo() -> None:
    """The whole loop on a year of real groceries: import, features, training, service, answers."""
    from pipelines import demo as shown

    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # or the service of the demo would stay
    shown.demo(Settings(), Console())

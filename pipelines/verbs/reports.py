"""The verb `report`, which computes what the console shows."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.console import bar
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, registry_of, tell, terminal, utc

app = typer.Typer()


@app.command()
def report(
    names: Annotated[list[str] | None, typer.Argument(help="which; all by default")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="what was known then (UTC); now by default")] = None,
    as_json: Json = False,
) -> None:
    """Compute what the console shows and `/v1/reports/…` answers; pages read what was computed last."""
    from pipelines.report import report as verb

    settings, console = Settings(), terminal()
    registry, now = registry_of(settings), datetime.now(UTC)
    with bar(console, "Reports") as tick:
        done = verb(settings, registry, names or [], utc(as_of) or now, now, tick)
    tell({one.name: {"scopes": one.scopes, "cpu_seconds": round(one.cpu_seconds, 2)} for one in done}, as_json, console)

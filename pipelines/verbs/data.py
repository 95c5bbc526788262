"""The verbs that bring in events and products, and the log into the history."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.console import bar, counting
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal

app = typer.Typer()

PresetName = Annotated[str | None, typer.Option("--preset", help="complete-journey, online-retail or rees46")]
Encoding = Annotated[str, typer.Option(help="of the file, e.g. utf-8, latin-1, cp1251")]
Source = Annotated[
    str | None, typer.Argument(help="CSV, JSONL or Parquet, by path or URL; a preset may bring its own data")
]
Rejects = Annotated[str | None, typer.Option(help="where rejected rows go, by path or URL; beside the file by default")]


@app.command()
def ingest(
    path: Source = None,
    preset: PresetName = None,
    encoding: Encoding = "utf-8",
    rejects: Rejects = None,
    as_json: Json = False,
) -> None:
    """Import events from a file into the event log. Running it twice changes nothing."""
    from features.database import open_database
    from features.privacy.secret import secret_in
    from features.privacy.suppression import Suppressions
    from pipelines import ingest as verb

    settings, console = Settings(), terminal()
    engine = open_database(settings.database_url)
    listed = Suppressions(engine, secret_in(settings.privacy_key))
    with bar(console, "Events into the log") as tick:
        report = verb.ingest(
            _file(path), engine, datetime.now(UTC), _preset(preset), encoding, _file(rejects), tick, listed
        )
    tell(asdict(report), as_json, console)


@app.command()
def catalog(
    path: Source = None,
    preset: PresetName = None,
    encoding: Encoding = "utf-8",
    full: Annotated[bool, typer.Option("--full", help="products that are not in the file are gone")] = False,
    rejects: Rejects = None,
    as_json: Json = False,
) -> None:
    """Import products from a file into the catalogue."""
    from features.database import open_database
    from pipelines import catalog as verb

    settings, console = Settings(), terminal()
    engine = open_database(settings.database_url)
    with bar(console, "Products into the catalogue") as tick:
        report = verb.import_catalog(
            _file(path), engine, datetime.now(UTC), _preset(preset), encoding, _file(rejects), full, tick
        )
    tell(asdict(report), as_json, console)


@app.command()
def validate(
    path: Source = None, preset: PresetName = None, encoding: Encoding = "utf-8", as_json: Json = False
) -> None:
    """Check a file of events without importing it: PASS, WARN or FAIL for each check. Exit code 1 on a FAIL."""
    from sqlalchemy import make_url

    from features.catalog import Catalog
    from features.database import open_database
    from pipelines import validate as verb

    console = terminal()
    url = make_url(Settings().database_url)
    missing = url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()
    known = None if missing else Catalog(open_database(Settings().database_url))
    with bar(console, "Looking through the file") as tick:
        report = verb.validate(_file(path), datetime.now(UTC), known, _preset(preset), encoding, tick)
    if as_json:
        tell(asdict(report), as_json, console)
    else:
        verb.print_report(report, console)
    raise typer.Exit(1 if report.failed else 0)


@app.command()
def compact(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="drop the history and make it anew from the log")] = False,
    as_json: Json = False,
) -> None:
    """Bring the Parquet history, which features and models read, up to the end of the event log."""
    from pipelines.refresh import compact_history

    console = terminal()
    with bar(console, "Log into the history") as tick:
        report = compact_history(Settings(), counting(tick), anew=rebuild)
    if report.unreadable:
        first = ", ".join(map(str, report.unreadable_at))
        console.print(
            f"[yellow]{report.unreadable:,} events of the log are not in the history, as they cannot be read, the "
            f"first at the positions {first}.[/yellow] When they are corrected there, `--rebuild` takes them in; not "
            "where a retention of events shortened the log, which takes these, too",
            soft_wrap=True,
        )
    tell(asdict(report), as_json, console)


def _file(text: str | None) -> Any:
    from pipelines.files import file_at

    return file_at(text) if text is not None else None


def _preset(name: str | None) -> Any:
    from pipelines.presets.registry import preset_of

    return preset_of(name) if name is not None else None

"""The verbs of restocking: train and judge its model, forecast everybody, list who is due."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import bar
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, Until, answer, registry_of, tell, terminal, utc
from pipelines.verbs.groups import evaluate_app, train_app

app = typer.Typer()
restock_app = typer.Typer(help="What customers need again, and who is due.", no_args_is_help=True)
app.add_typer(restock_app, name="restock")


@train_app.command("replenishment")
def train_replenishment(
    origins: Annotated[
        int | None,
        typer.Option(
            min=2, help="days of asking to learn from, two weeks apart; 13 by default, fewer take less memory"
        ),
    ] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Fit the restocking models, judge them on the last twelve weeks, publish them with the gate's verdict."""
    from models.time_to_event.replenishment import Replenishment
    from pipelines.train_replenishment import print_trained, report
    from pipelines.train_replenishment import train_replenishment as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Training and judging") as tick:
        recipe = Replenishment(origins=origins) if origins else None
        trained = verb(settings, registry, utc(until), tick, recipe)
    answer(trained, as_json, console, lambda found: asdict(report(found)), print_trained)


@evaluate_app.command("replenishment")
def evaluate_replenishment(
    model: Annotated[
        str, typer.Option(help="champion, challenger, or all: both, and what is trained by default when there is none")
    ] = "all",
    recipe: Annotated[
        list[str] | None, typer.Option(help="a time-to-event recipe by name, with its defaults; may be repeated")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="a folder for the tables, the plots and the page")] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """The table of all who foresee what is needed again, on the last twelve weeks; MLflow keeps it with plots."""
    from pipelines.evaluate_replenishment import evaluate_replenishment as verb
    from pipelines.evaluate_replenishment import print_assessment, report

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Judging") as tick:
        found = verb(settings, registry, utc(until), model, recipe or [], out, tick)
    answer(found, as_json, console, report, print_assessment)


@restock_app.command("score")
def restock_score(until: Until = None, as_json: Json = False) -> None:
    """Forecast every customer with the live replenishment model; the service and `restock due` read the result."""
    from pipelines.score import score as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Forecasts of all customers") as tick:
        report = verb(settings, registry, utc(until), datetime.now(UTC), tick)
    tell(asdict(report), as_json, console)


@restock_app.command("due")
def restock_due(
    out: Annotated[str, typer.Option(help="the file to write, by path or URL: .parquet or .csv")],
    first: Annotated[datetime | None, typer.Option("--from", help="first day of the window; the next day")] = None,
    last: Annotated[datetime | None, typer.Option("--to", help="last day; a week from the first")] = None,
    min_probability: Annotated[float, typer.Option(min=0, max=1, help="of the likeliest need within the window")] = 0.5,
    limit: Annotated[int | None, typer.Option(min=1, help="as many customers, the likeliest; all by default")] = None,
    max_items: Annotated[int, typer.Option(min=1, max=100, help="as many items a cart")] = 20,
    locale: Annotated[str, typer.Option(help="of the words: ru is Russian, anything else English")] = "en",
    log: Annotated[bool, typer.Option("--log", help="write the carts down, so that their links open")] = False,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Who needs something within a window of days, each with a prepared cart, into a file for a campaign."""
    from pipelines.due import Wanted
    from pipelines.due import due as verb
    from pipelines.files import file_at

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    wanted = Wanted(first and first.date(), last and last.date(), min_probability, limit, max_items)
    with bar(console, "Who is due") as tick:
        report = verb(settings, registry, file_at(out), wanted, locale, utc(until), datetime.now(UTC), log, tick)
    tell(asdict(report), as_json, console)

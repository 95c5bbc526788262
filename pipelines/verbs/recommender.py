"""The verbs of the recommenders: train, evaluate, tune, and a file of answers for every customer."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import bar
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, Until, answer, registry_of, tell, terminal, utc
from pipelines.verbs.groups import evaluate_app, train_app, tune_app

app = typer.Typer()


@train_app.command("recommender")
def train_recommender(
    recipe: Annotated[str | None, typer.Option(help="a recipe by name that is to answer first, e.g. sasrec")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="learn from the latest so many days alone; fewer take less memory")
    ] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Fit the recommenders, judge them on the last four weeks, publish the candidate with the gate's verdict."""
    from pipelines.train import print_trained, report
    from pipelines.train import train_recommender as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Training and judging") as tick:
        trained = verb(settings, registry, utc(until), tick, recipe, days)
    answer(trained, as_json, console, lambda found: asdict(report(found)), print_trained)


@evaluate_app.command("recommender")
def evaluate_recommender(
    weeks: Annotated[int, typer.Option(min=1, max=52, help="judge on as many weeks")] = 4,
    model: Annotated[
        str, typer.Option(help="champion, challenger, or all: both, and all that stand behind them")
    ] = "all",
    recipe: Annotated[
        list[str] | None, typer.Option(help="a recipe by name, with its defaults; may be repeated")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="a folder for the tables, the plots and the page")] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """The table of all recommenders and baselines on the last weeks; MLflow keeps it with plots."""
    from pipelines.evaluate import evaluate_recommender as verb
    from pipelines.evaluate import print_assessment, report

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Judging") as tick:
        found = verb(settings, registry, utc(until), weeks, model, recipe or [], out, tick)
    answer(found, as_json, console, report, print_assessment)


@tune_app.command("recommender")
def tune_recommender(
    recipe: Annotated[str, typer.Option(help="its name")],
    trials: Annotated[int, typer.Option(min=1, help="recipes to try, the defaults among them")] = 20,
    seed: Annotated[int, typer.Option(help="of the search")] = 0,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Try hyper-parameters on the four weeks before those that `train` and `evaluate` judge by; log every trial."""
    from pipelines.tune import tune_recommender as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Trying") as tick:
        report = verb(settings, registry, utc(until), recipe, trials, seed, tick)
    tell(asdict(report), as_json, console)


@app.command()
def recommend(
    out: Annotated[str, typer.Option(help="the file to write, by path or URL: .parquet or .csv")],
    placement: Annotated[str, typer.Option(help="whose sources and rules choose")] = "email",
    limit: Annotated[int, typer.Option(min=1, max=100, help="products a customer")] = 10,
    locale: Annotated[str, typer.Option(help="of the reasons: ru is Russian, anything else English")] = "en",
    log: Annotated[bool, typer.Option("--log", help="write down what was chosen, as it will be shown")] = False,
    as_json: Json = False,
) -> None:
    """Recommendations for every customer into a file, by the rules of a placement."""
    from pipelines.files import file_at
    from pipelines.recommend import recommend as verb

    console = terminal()
    with bar(console, "Recommendations") as tick:
        report = verb(Settings(), placement, file_at(out), limit, locale, datetime.now(UTC), log, tick)
    tell(asdict(report), as_json, console)

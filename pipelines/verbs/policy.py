"""The verbs of policies, which decide when, where and whether at all to write: train, learn, evaluate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.console import bar
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, Until, answer, registry_of, tell, terminal, utc
from pipelines.verbs.groups import evaluate_app, train_app

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="the registered policy, as the action bank names it")]


@train_app.command("policy")
def train_policy(
    name: Name = "cart-policy",
    recipe: Annotated[str | None, typer.Option(help="a recipe by name; the champion's by default")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="learn nothing from the log, start from the rule")] = False,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Fit a policy on the settled decisions of the log, or start one from the shop's rule; publish it as challenger."""
    from pipelines.train_policy import print_trained, report
    from pipelines.train_policy import train_policy as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Learning from decisions"):
        trained = verb(settings, registry, name, recipe, fresh, utc(until) or datetime.now(UTC))
    answer(trained, as_json, console, report, print_trained)


@train_app.command("send-time")
def train_send_time(until: Until = None, as_json: Json = False) -> None:
    """Learn in which hours of the week customers are there, judge it on the last four weeks, publish it."""
    from pipelines.train_send_time import print_trained, report
    from pipelines.train_send_time import train_send_time as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Learning hours of the week"):
        trained = verb(settings, registry, utc(until))
    answer(trained, as_json, console, report, print_trained)


@evaluate_app.command("policy")
def evaluate_policy(
    name: Name = "cart-policy",
    version: Annotated[str | None, typer.Option(help="its number; the challenger by default")] = None,
    out: Annotated[Path | None, typer.Option(help="a folder for the tables, the plots and the page")] = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Judge a frozen policy on what was decided since, by the gate; groups of customers compared; MLflow keeps it."""
    from pipelines.evaluate_policy import evaluate_policy as verb
    from pipelines.evaluate_policy import print_assessment, report

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    with bar(console, "Judging"):
        found = verb(settings, registry, name, version, out, utc(until) or datetime.now(UTC))
    answer(found, as_json, console, report, print_assessment)


@app.command()
def learn(
    names: Annotated[list[str] | None, typer.Argument(help="registered policies; all of the action bank")] = None,
    every: Annotated[float | None, typer.Option(min=1, help="seconds between runs; one run by default")] = None,
    keep: Annotated[int, typer.Option(min=1, help="so many of the latest versions stay in the registry")] = 20,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Let what is live learn what has matured since, and look at the canary; the running service follows."""
    from features.alone import Taken
    from pipelines.learn import learn_again, learn_alone, report, words
    from pipelines.live import moving_registry

    settings, console = Settings(), terminal()
    registry = moving_registry(settings)
    if every is not None and until is not None:
        raise typer.BadParameter("--until is for one run; leave out --every")

    def now() -> datetime:
        return datetime.now(UTC)

    once = [learn_alone(settings, registry, names or [], utc(until) or now(), now, keep)] if every is None else None
    for runs in once or learn_again(settings, registry, names or [], every or 0, now, keep=keep):
        if isinstance(runs, Taken):
            console.print(escape(str(runs)), highlight=False)
        elif isinstance(runs, Exception):
            console.print(f"[red]{type(runs).__name__}[/red]; the next run starts from the same logs", highlight=False)
        elif as_json:
            tell(report(runs), as_json, console)
        else:
            live = {name: run for name, run in runs.items() if names or run.learned.live}
            for name, run in (live or dict(list(runs.items())[:1])).items():
                console.print(words(name, run), highlight=False)

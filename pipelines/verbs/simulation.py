"""The verb that tries the whole loop in a shop whose truth is known."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import bar
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, registry_of, tell, terminal

app = typer.Typer()


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="the folder of simulated.json and regret.png")] = Path("var/simulated"),
    url: Annotated[
        str | None,
        typer.Option(help="a running service with the same stores and KAIROS_ALLOW_AS_OF; else one is begun"),
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="how long the shop lives")] = 4,
    carts: Annotated[int, typer.Option(min=1, max=100_000, help="carts left behind a week")] = 500,
    seed: Annotated[int, typer.Option(help="which shop")] = 0,
    learn_days: Annotated[float, typer.Option(min=0.1, help="days between two runs of learning")] = 3.5,
    as_json: Json = False,
) -> None:
    """Let a made shop live through weeks over the HTTP API, and hold every decision to the known optimum.

    Its events, decisions and policies go into the stores of the settings: those of the demo, never those of a shop.
    """
    from models.published import CHAMPION
    from pipelines.demo import MODEL
    from pipelines.demo_decision import begin
    from pipelines.serve import running
    from pipelines.simulate import ALLOWED, Plan, write
    from pipelines.simulate import simulate as verb

    settings, console = Settings(), terminal()
    registry = registry_of(settings)
    if url is None and registry.alias(MODEL, CHAMPION) is None:
        raise LookupError(f"a service is ready once a {MODEL} is live; `python -m pipelines demo` makes one")
    begin(settings, registry, console)
    with ExitStack() as stack:
        where = url or stack.enter_context(running(settings, Path("var/simulated-service.log"), own=ALLOWED))
        tick = stack.enter_context(bar(console, "Carts left behind"))
        found = verb(settings, registry, where, Plan(weeks, carts, seed, learn_days), datetime.now(UTC), tick)
    write(found, out)
    tell({**found.regret.told(), "versions": found.versions, "seconds": round(found.seconds, 1)}, as_json, console)

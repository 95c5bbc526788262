"""The verbs of features: compute them, and put them where the service reads them."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.console import bar, counting
from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal, utc

app = typer.Typer()
features_app = typer.Typer(help="Compute features, and put them where the service reads them.", no_args_is_help=True)
app.add_typer(features_app, name="features")


@features_app.command("build")
def features_build(
    as_of: Annotated[datetime | None, typer.Option(help="see nothing from then on (UTC); now by default")] = None,
    as_json: Json = False,
) -> None:
    """Compute the features of every customer and product as of a moment."""
    from pipelines.refresh import build_features

    settings, console = Settings(), terminal()
    with bar(console, "Customer and product features"):
        report = build_features(settings, utc(as_of), created=datetime.now(UTC))
    tell(asdict(report), as_json, console)


@features_app.command("materialize")
def features_materialize(as_json: Json = False) -> None:
    """Put the newest customer features into Feast's online store."""
    from pipelines.refresh import materialize_features

    console = terminal()
    with bar(console, "Features into the online store") as tick:
        report = materialize_features(Settings(), counting(tick))
    tell(asdict(report), as_json, console)

"""The one door: `python -m pipelines VERB`. Reads settings, calls the verb's own module, prints what it reports.

Verbs import what they need when they run: `--help` answers at once, and `main` sets the environment before numpy is
loaded.
"""

import getpass
import json
import os
import sys
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.console import bar, counting
from pipelines.settings import Settings

app = typer.Typer(
    help="Kairos: what to recommend, when to write, when to restock.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
features_app = typer.Typer(help="Compute features, and put them where the service reads them.", no_args_is_help=True)
train_app = typer.Typer(help="Fit a model, judge it, publish it as challenger.", no_args_is_help=True)
evaluate_app = typer.Typer(help="Judge what is published, or would be, on what happened since.", no_args_is_help=True)
tune_app = typer.Typer(help="Look for better hyper-parameters, on weeks before the judged ones.", no_args_is_help=True)
app.add_typer(features_app, name="features")
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(tune_app, name="tune")

_STORES = ("sqlalchemy", "redis", "mlflow")

Json = Annotated[bool, typer.Option("--json", help="print one JSON object instead of words")]
PresetName = Annotated[str | None, typer.Option("--preset", help="complete-journey, online-retail or rees46")]
Encoding = Annotated[str, typer.Option(help="of the file, e.g. utf-8, latin-1, cp1251")]
Why = Annotated[str, typer.Option(prompt=True, help="for the record")]
Path_ = Annotated[Path | None, typer.Argument(help="CSV, JSONL or Parquet; a preset may bring its own data")]


@app.command()
def ingest(
    path: Path_ = None,
    preset: PresetName = None,
    encoding: Encoding = "utf-8",
    rejects: Annotated[Path | None, typer.Option(help="where rejected rows go; beside the file by default")] = None,
    as_json: Json = False,
) -> None:
    """Import events from a file into the event log. Running it twice changes nothing."""
    from features.database import open_database
    from pipelines import ingest as verb

    settings, console = Settings(), _console()
    engine = open_database(settings.database_url)
    with bar(console, "Events into the log") as tick:
        report = verb.ingest(path, engine, datetime.now(UTC), _preset(preset), encoding, rejects, tick)
    _tell(asdict(report), as_json, console)


@app.command()
def catalog(
    path: Path_ = None,
    preset: PresetName = None,
    encoding: Encoding = "utf-8",
    full: Annotated[bool, typer.Option("--full", help="products that are not in the file are gone")] = False,
    rejects: Annotated[Path | None, typer.Option(help="where rejected rows go; beside the file by default")] = None,
    as_json: Json = False,
) -> None:
    """Import products from a file into the catalogue."""
    from features.database import open_database
    from pipelines import catalog as verb

    settings, console = Settings(), _console()
    engine = open_database(settings.database_url)
    with bar(console, "Products into the catalogue") as tick:
        report = verb.import_catalog(
            path, engine, datetime.now(UTC), _preset(preset), encoding, rejects, full=full, progress=tick
        )
    _tell(asdict(report), as_json, console)


@app.command()
def validate(
    path: Path_ = None, preset: PresetName = None, encoding: Encoding = "utf-8", as_json: Json = False
) -> None:
    """Check a file of events without importing it: PASS, WARN or FAIL for each check. Exit code 1 on a FAIL."""
    from sqlalchemy import make_url

    from features.catalog import Catalog
    from features.database import open_database
    from pipelines import validate as verb

    console = _console()
    url = make_url(Settings().database_url)
    missing = url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()
    known = None if missing else Catalog(open_database(Settings().database_url))
    with bar(console, "Looking through the file") as tick:
        report = verb.validate(path, datetime.now(UTC), known, _preset(preset), encoding, tick)
    if as_json:
        _tell(asdict(report), as_json, console)
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

    console = _console()
    with bar(console, "Log into the history") as tick:
        report = compact_history(Settings(), counting(tick), anew=rebuild)
    _tell(asdict(report), as_json, console)


@features_app.command("build")
def features_build(
    as_of: Annotated[datetime | None, typer.Option(help="see nothing from then on (UTC); now by default")] = None,
    as_json: Json = False,
) -> None:
    """Compute the features of every customer and product as of a moment."""
    from pipelines.refresh import build_features

    settings, console = Settings(), _console()
    now = datetime.now(UTC)
    moment = _utc(as_of) or now
    with bar(console, "Customer and product features"):
        report = build_features(settings, moment, created=now)
    _tell(asdict(report), as_json, console)


@features_app.command("materialize")
def features_materialize(as_json: Json = False) -> None:
    """Put the newest customer features into Feast's online store."""
    from pipelines.refresh import materialize_features

    console = _console()
    with bar(console, "Features into the online store") as tick:
        report = materialize_features(Settings(), counting(tick))
    _tell(asdict(report), as_json, console)


@train_app.command("recommender")
def train_recommender(
    until: Annotated[datetime | None, typer.Option(help="use nothing from then on (UTC); all by default")] = None,
    as_json: Json = False,
) -> None:
    """Fit the recommenders, judge them on the last four weeks, publish the candidate with the gate's verdict."""
    from models.registry import Registry
    from pipelines.train import print_trained, report
    from pipelines.train import train_recommender as verb

    settings, console = Settings(), _console()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    with bar(console, "Training and judging") as tick:
        trained = verb(settings, registry, _utc(until), tick)
    if as_json:
        _tell(asdict(report(trained)), as_json, console)
    else:
        print_trained(trained, console)


@app.command()
def recommend(
    out: Annotated[Path, typer.Option(help="the file to write: .parquet or .csv")],
    placement: Annotated[str, typer.Option(help="whose sources and rules choose")] = "email",
    limit: Annotated[int, typer.Option(min=1, max=100, help="products a customer")] = 10,
    locale: Annotated[str, typer.Option(help="of the reasons: ru is Russian, anything else English")] = "en",
    log: Annotated[bool, typer.Option("--log", help="write down what was chosen, as it will be shown")] = False,
    as_json: Json = False,
) -> None:
    """Recommendations for every customer into a file, by the rules of a placement."""
    from pipelines.recommend import recommend as verb

    console = _console()
    with bar(console, "Recommendations") as tick:
        report = verb(Settings(), placement, out, limit, locale, datetime.now(UTC), log, tick)
    _tell(asdict(report), as_json, console)


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
    until: Annotated[datetime | None, typer.Option(help="use nothing from then on (UTC); all by default")] = None,
    as_json: Json = False,
) -> None:
    """The table of all recommenders and baselines on the last weeks; MLflow keeps it with plots."""
    from models.registry import Registry
    from pipelines.evaluate import evaluate_recommender as verb
    from pipelines.evaluate import print_assessment, report

    settings, console = Settings(), _console()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    with bar(console, "Judging") as tick:
        found = verb(settings, registry, _utc(until), weeks, model, recipe or [], out, tick)
    if as_json:
        _tell(report(found), as_json, console)
    else:
        print_assessment(found, console)


@tune_app.command("recommender")
def tune_recommender(
    recipe: Annotated[str, typer.Option(help="its name")],
    trials: Annotated[int, typer.Option(min=1, help="recipes to try, the defaults among them")] = 20,
    seed: Annotated[int, typer.Option(help="of the search")] = 0,
    until: Annotated[datetime | None, typer.Option(help="use nothing from then on (UTC); all by default")] = None,
    as_json: Json = False,
) -> None:
    """Try hyper-parameters on the four weeks before those that `train` and `evaluate` judge by; log every trial."""
    from models.registry import Registry
    from pipelines.tune import tune_recommender as verb

    settings, console = Settings(), _console()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    with bar(console, "Trying") as tick:
        report = verb(settings, registry, _utc(until), recipe, trials, seed, tick)
    _tell(asdict(report), as_json, console)


@app.command()
def promote(
    why: Why,
    name: Annotated[str, typer.Argument(help="the registered model")] = "recommender",
    version: Annotated[str | None, typer.Option(help="its number; the challenger by default")] = None,
    force: Annotated[bool, typer.Option("--force", help="past the gate; the version says so for ever")] = False,
    as_json: Json = False,
) -> None:
    """Make a version the champion, if the gate passed it; the running service follows within seconds."""
    from models.registry import Registry
    from pipelines.promote import promote as verb

    settings, console = Settings(), _console()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    moved = verb(registry, name, version, getpass.getuser(), why, datetime.now(UTC), force)
    _tell({"live": moved.live.number, "replaced": moved.replaced.number if moved.replaced else None}, as_json, console)


@app.command()
def rollback(
    why: Why,
    name: Annotated[str, typer.Argument(help="the registered model")] = "recommender",
    as_json: Json = False,
) -> None:
    """Give the alias champion back to the version that the champion replaced."""
    from models.registry import Registry

    settings = Settings()
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    live = registry.rollback(name, getpass.getuser(), why, datetime.now(UTC))
    _tell({"live": live.number}, as_json, _console())


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
        _console().print(f"{label:<8} {url}{path}")
    verb(settings)


@app.command()
def demo() -> None:
    """The whole loop on a year of real groceries: import, features, training, service, answers."""
    from pipelines.demo import demo as verb

    verb(Settings(), Console())


def _console() -> Console:
    return Console(stderr=True)


def _tell(report: dict[str, Any], as_json: bool, console: Console) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report, default=str) + "\n")
        return
    for key, value in report.items():
        console.print(f"  {key:<14} {value}")


def _preset(name: str | None) -> Any:
    from pipelines.presets.registry import preset_of

    return preset_of(name) if name is not None else None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def main() -> None:
    """Set what libraries read when they are loaded, then run the verb.

    Errors that name the way out are said in words, with exit code 1; anything else is ours to mend and shows where.
    """
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    private = {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True"}
    quiet = {"MLFLOW_LOGGING_LEVEL": "WARNING", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    for name, value in (one_thread | private | quiet).items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:
        # What MLflow and Feast deprecate among themselves is not for a shop's eyes; `python -W default` shows it. Not a
        # filter, as both set filters of their own when they are imported.
        warnings.showwarning = lambda *_args, **_kwargs: None
    try:
        app()
    except Exception as error:
        if not _explained(error):
            raise
        _console().print(f"[red]{type(error).__name__}:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _explained(error: Exception) -> bool:
    """Whether the message is meant for a person: ours name the way out, those of a store say which one is wrong."""
    ours = isinstance(error, (LookupError, OSError, RuntimeError, ValueError))
    mistake = isinstance(error, (KeyError, IndexError, UnicodeError))
    return (ours and not mistake) or type(error).__module__.partition(".")[0] in _STORES


if __name__ == "__main__":
    main()

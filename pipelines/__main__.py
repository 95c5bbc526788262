"""The one door: `python -m pipelines VERB`. Reads settings, calls the verb's own module, prints what it reports.

Verbs import what they need when they run: `--help` answers at once, and `main` sets the environment before numpy is
loaded.
"""

import os
import sys
import warnings
from contextvars import ContextVar
from typing import Annotated

import typer
from rich.markup import escape

from features.not_yet import NotYet
from pipelines.verbs import (
    data,
    features,
    keys,
    live,
    policy,
    privacy,
    recommender,
    reports,
    restock,
    simulation,
    stores,
)
from pipelines.verbs.answers import terminal
from pipelines.verbs.groups import evaluate_app, train_app, tune_app

app = typer.Typer(
    help="Kairos: what to recommend, when to write, when to restock.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for verbs in (data.app, features.app, recommender.app, restock.app, policy.app, live.app, simulation.app, reports.app):
    app.add_typer(verbs)
app.add_typer(stores.app)
app.add_typer(keys.app, name="keys")
app.add_typer(privacy.app)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(tune_app, name="tune")

_STORES = ("sqlalchemy", "redis", "mlflow")
_scheduled = ContextVar("scheduled", default=False)


@app.callback()
def door(
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="end well, and say so, where a new shop has nothing to work on yet")
    ] = False,
) -> None:
    """Kairos: what to recommend, when to write, when to restock."""
    _scheduled.set(scheduled)


def main() -> None:
    """Set what libraries read when they are loaded, then run the verb.

    Errors that name the way out are said in words, with exit code 1; anything else is ours to mend and shows where.
    What is not there yet is no error of a schedule: it runs from the first day of a shop, and would cry for months.
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
        if _scheduled.get() and isinstance(error, NotYet):
            terminal().print(f"nothing to do yet: {escape(str(error))}", soft_wrap=True)
            return
        if not _explained(error):
            raise
        terminal().print(f"[red]{type(error).__name__}:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _explained(error: Exception) -> bool:
    """Whether the message is meant for a person: ours name the way out, those of a store say which one is wrong."""
    ours = isinstance(error, (LookupError, OSError, RuntimeError, ValueError))
    mistake = isinstance(error, (KeyError, IndexError, UnicodeError))
    says_what_to_install = isinstance(error, ImportError) and isinstance(error.__cause__, ImportError)
    return (ours and not mistake) or says_what_to_install or type(error).__module__.partition(".")[0] in _STORES


if __name__ == "__main__":
    main()

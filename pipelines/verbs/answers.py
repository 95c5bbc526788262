"""What all verbs share: how they answer, the options that many of them have, and the registry that they work with."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from pipelines.settings import Settings

if TYPE_CHECKING:
    from models.registry import Registry

Found = TypeVar("Found")
Json = Annotated[bool, typer.Option("--json", help="print one JSON object instead of words")]
Until = Annotated[datetime | None, typer.Option(help="use nothing from then on (UTC); all by default")]


def terminal() -> Console:
    """Where words and progress go: not into what `--json` prints."""
    return Console(stderr=True)


def tell(report: dict[str, Any], as_json: bool, console: Console) -> None:
    """A report in words, or as one JSON object on the standard output."""
    if as_json:
        sys.stdout.write(json.dumps(report, default=str) + "\n")
        sys.stdout.flush()  # whoever reads a loop of a verb reads each line when it is said
        return
    for key, value in report.items():
        console.print(f"  {key:<14} {_in_words(value)}")


def _in_words(value: Any) -> str:
    """
    >>> _in_words({"files": (1, 2), "as_of": None})
    'files 1, 2; as_of None'
    """
    if isinstance(value, dict):
        return "; ".join(f"{name} {_in_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "none"
    return str(value)


def answer(
    found: Found,
    as_json: bool,
    console: Console,
    report: Callable[[Found], dict[str, Any]],
    show: Callable[[Found, Console], None],
) -> None:
    """What a verb found, as JSON by its `report`, or as `show` draws it for people."""
    if as_json:
        tell(report(found), as_json, console)
    else:
        show(found, console)


def registry_of(settings: Settings) -> "Registry":
    """The registry of models that the settings name; MLflow is loaded by who asks for it, and not by `--help`."""
    from pipelines import registry

    return registry.registry_of(settings)


def utc(moment: datetime | None) -> datetime | None:
    """A moment that a person wrote: without an offset it is in UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment

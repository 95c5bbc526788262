"""What all verbs share: how they answer, and the options that many of them have."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

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
        console.print(f"  {key:<14} {value}")


def utc(moment: datetime | None) -> datetime | None:
    """A moment that a person wrote: without an offset it is in UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment

"""The verbs of API keys, without which the service answers nobody: make, list, rotate, revoke."""

import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal

if TYPE_CHECKING:
    from serving.access.key_table import KeyTable
    from serving.access.keys import Issued, Key
    from serving.access.scopes import Kind, Scope

app = typer.Typer(help="API keys: who may call the service, and what for.", no_args_is_help=True)

Prefix = Annotated[str, typer.Argument(help="how the key begins, as `keys list` shows it")]


def _table() -> AbstractContextManager["KeyTable"]:
    from pipelines.keys import open_keys

    return open_keys(Settings())


@app.command()
def create(
    kind: Annotated[str, typer.Argument(help="pk for pages of the shop, sk for its back end, adm for operating")],
    label: Annotated[str, typer.Option(help="who uses it, for whoever reads the list")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="may only do this; everything of its kind by default")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="of pk: pages that may send it")] = None,
    days: Annotated[float | None, typer.Option(min=0.001, help="ends after so many; never by default")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, once: it is kept as a hash that nobody can turn back."""
    now = datetime.now(UTC)
    expires_at = None if days is None else now + timedelta(days=days)
    scopes = None if not scope else cast("list[Scope]", scope)
    with _table() as table:
        issued = table.create(cast("Kind", kind), label, now, scopes, origin or (), expires_at)
    _show(issued, now, as_json)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Every key with what it may do, without the secret."""
    now = datetime.now(UTC)
    with _table() as table:
        keys = table.all()
    if as_json:
        tell({"keys": [_told(key, now) for key in keys]}, as_json, terminal())
        return
    shown = Table(*("key", "label", "state", "scopes", "origins", "expires"))
    for key in keys:
        told = _told(key, now)
        shown.add_row(*(str(told[name] or "") for name in ("key", "label", "state", "scopes", "origins", "expires_at")))
    terminal().print(shown if keys else "There is no key yet; `python -m pipelines keys create sk` makes one.")


@app.command()
def rotate(
    prefix: Prefix,
    grace_hours: Annotated[float, typer.Option(min=0, help="how long the old one lives on")] = 24.0,
    as_json: Json = False,
) -> None:
    """Make a new key that may do the same, and let the old one live on for a while."""
    now = datetime.now(UTC)
    with _table() as table:
        issued = table.rotate(prefix, now, timedelta(hours=grace_hours))
    _show(issued, now, as_json)


@app.command()
def revoke(prefix: Prefix, as_json: Json = False) -> None:
    """End a key; the running service refuses it within seconds."""
    now = datetime.now(UTC)
    with _table() as table:
        key = table.revoke(prefix, now)
    tell(_told(key, now), as_json, terminal())


def _show(issued: "Issued", now: datetime, as_json: bool) -> None:
    """The secret alone goes to the standard output, so that a script can take it from there."""
    told = _told(issued.key, now)
    if as_json:
        tell({"secret": issued.secret, **told}, as_json, terminal())
        return
    tell(told, as_json, terminal())
    sys.stdout.write(issued.secret + "\n")


def _told(key: "Key", now: datetime) -> dict[str, Any]:
    return {
        "key": key.prefix,
        "kind": key.kind,
        "label": key.label,
        "state": key.state(now),
        "scopes": " ".join(sorted(key.scopes)),
        "origins": " ".join(key.origins),
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(timespec="seconds"),
    }

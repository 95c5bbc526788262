"""The verbs about what is held of persons: export, erase, suppress, resume, retention."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal

app = typer.Typer()
privacy_app = typer.Typer(help="What is held about a person: export it, erase it, keep it no longer than needed.")
app.add_typer(privacy_app, name="privacy")

User = Annotated[str | None, typer.Option("--user", help="the customer's id")]
Visitor = Annotated[str | None, typer.Option("--anonymous", help="the visitor's id")]


def _now() -> datetime:
    return datetime.now(UTC)


@privacy_app.command("export")
def privacy_export(
    out: Annotated[str, typer.Option(help="the JSON file to write, by path or URL")],
    user: User = None,
    anonymous: Visitor = None,
    as_json: Json = False,
) -> None:
    """Everything that is held about a person, by store, into a file."""
    from pipelines.files import check_target, file_at
    from pipelines.privacy import ask, write_export

    settings, file = Settings(), file_at(out)
    check_target(file)
    report = ask(settings, "export", user, anonymous, _now)
    write_export(settings, report, file)
    tell({**report, "file": str(file)}, as_json, terminal())


@privacy_app.command("erase")
def privacy_erase(user: User = None, anonymous: Visitor = None, as_json: Json = False) -> None:
    """Forget a person in every store, by all ids that are theirs, and keep them from coming back."""
    from pipelines.privacy import ask

    tell(ask(Settings(), "erase", user, anonymous, _now), as_json, terminal())


@privacy_app.command("suppress")
def privacy_suppress(
    user: User = None,
    anonymous: Visitor = None,
    lift: Annotated[bool, typer.Option("--lift", help="take the person off the list")] = False,
    as_json: Json = False,
) -> None:
    """Keep nothing new about a person and send them nothing; the service follows within seconds."""
    from pipelines.privacy import suppress

    tell({"ids": suppress(Settings(), user, anonymous, lift, _now), "suppressed": not lift}, as_json, terminal())


@privacy_app.command("resume")
def privacy_resume(as_json: Json = False) -> None:
    """Go on with the jobs that wait or failed, where they stopped."""
    from pipelines.privacy import resume

    tell(resume(Settings(), _now), as_json, terminal())


@privacy_app.command("retention")
def privacy_retention(as_json: Json = False) -> None:
    """Delete what is older than the settings say; nothing that a reward may still depend on."""
    from pipelines.privacy import retain

    tell(retain(Settings(), _now()), as_json, terminal())

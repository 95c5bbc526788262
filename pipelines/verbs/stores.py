"""The verb that comes before the others where a new version is to run: migrate."""

from dataclasses import asdict

import typer

from pipelines.settings import Settings
from pipelines.verbs.answers import Json, tell, terminal

app = typer.Typer()


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring the database to the revision of this version, and make what MLflow and Feast need. Twice changes nothing.

    What opens an older database does so too; by itself it has all the time that a large one needs.
    """
    from pipelines.migrate import migrate_stores

    tell(asdict(migrate_stores(Settings())), as_json, terminal())

"""What a shop's logs hold, read from its files, whoever else has them open."""

from pathlib import Path

from sqlalchemy import Table

from features.database import open_database
from features.log import Log


def keys(folder: Path, table: Table) -> list[str]:
    """The keys of one of its logs, in their order."""
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    found = [record.key for part in Log(engine, table).scan() for record in part]
    engine.dispose()
    return found

"""The database's address for processes elsewhere, which do not stand in the folder that a path begins in."""

from pathlib import Path

from sqlalchemy import make_url

from pipelines.engine import LOCAL, RAY
from pipelines.settings import Settings


def reached(url: str) -> str:
    """The address with the whole path, where it is a file of SQLite.

    >>> reached("postgresql://here/kairos")
    'postgresql://here/kairos'
    >>> reached("sqlite:///var/kairos.db") == f"sqlite:///{Path.cwd() / 'var/kairos.db'}"
    True
    """
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database or parts.database == ":memory:":
        return url
    return parts.set(database=str(Path(parts.database).resolve())).render_as_string(hide_password=False)


def refuse_one_machine(settings: Settings) -> None:
    """Raises ValueError where tasks on other machines are to ask a file of SQLite.

    A node without the file would make an empty one and read nothing out of it.
    """
    if settings.engine not in (LOCAL, RAY) and make_url(settings.database_url).get_backend_name() == "sqlite":
        raise ValueError(
            f"tasks at KAIROS_ENGINE={settings.engine} cannot read a file of SQLite, which is for one machine: set "
            "KAIROS_DATABASE_URL to PostgreSQL, or KAIROS_ENGINE to `ray` or `local` for this verb"
        )

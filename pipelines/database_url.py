"""The database's address for processes elsewhere, which do not stand in the folder that a path begins in."""

from pathlib import Path

from sqlalchemy import make_url


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

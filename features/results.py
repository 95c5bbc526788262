"""Results of the parts of a work, in files until the whole is done: a rerun after a failure does only what is missing.

They lie in a folder that is named after what they are made from, so results of another state are never taken for these.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from importlib.resources import files
from os import strerror
from pathlib import Path
from uuid import uuid4

from features.folder_lock import alone_in

FOLDER = "unfinished"
"""Of the feature data: what works leave that have not ended well."""

_BEGUN = "begun"
_ERASED = "somebody was erased while this was at work, which dropped what it had made; run this again"


@contextmanager
def kept(root: Path, *made_from: object) -> Iterator[Path]:
    """A folder below `root` for results made from this; it goes when the block ends well, and stays when it fails.

    What was made from anything else is taken away. Raises RuntimeError while another process works below `root`, and
    when an erasure dropped the folder meanwhile, which is no fault of a part that misses a file then.
    """
    root.mkdir(parents=True, exist_ok=True)
    with alone_in(root, "at the same work in"):
        folder = root / hashlib.sha256(repr(made_from).encode()).hexdigest()[:24]
        for other in root.iterdir():
            if other.is_dir() and other != folder:
                shutil.rmtree(other)
        folder.mkdir(exist_ok=True)
        try:
            yield folder
        except Exception as error:
            if folder.exists():
                raise
            raise RuntimeError(_ERASED) from error
        if not folder.exists():
            raise RuntimeError(_ERASED)
        shutil.rmtree(folder)


def begun_at(folder: Path, now: datetime) -> datetime:
    """The moment of a work that was begun in `folder` on the day (UTC) of `now`, to go on with; else `now`.

    Results that were left of another day are dropped: nobody who asks for now means a moment of then.
    """
    path = folder / _BEGUN
    if path.exists():
        known = datetime.fromisoformat(path.read_text())
        if known <= now and known.date() == now.astimezone(UTC).date():
            return known
    empty(folder)

    def write(temporary: Path) -> None:
        temporary.write_text(now.astimezone(UTC).isoformat())

    written(path, write)
    return now


def empty(folder: Path) -> None:
    """Drop all results in `folder`: what is begun anew takes nothing over."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()


def take_back(folder: Path, *made: Path) -> None:
    """Unlink tables that were `made` from results in `folder` when that is gone: they may name who was erased.

    Of a folder that is there an erasure still has to come, and finds the tables in their places.
    """
    if not folder.exists():
        for path in made:
            path.unlink(missing_ok=True)


def forget(feature_data: Path) -> None:
    """Drop what works left that have not ended well; one under way fails, and starts anew when it runs again."""
    for folder in (feature_data / FOLDER).glob("*/*/"):
        gone = folder.with_name(f".{uuid4().hex}")  # at once: who writes there fails, and leaves nothing behind
        with suppress(FileNotFoundError):  # another erasure had it
            shutil.rmtree(folder.rename(gone), ignore_errors=True)


def forget_halves(folder: Path, limit: datetime | None = None) -> int:
    """Drop the tables in `folder` of writers that were killed; with `limit` those written at before then alone.

    They are not seen by who reads tables, and hold what tables hold. Who is at one yet fails.
    """
    gone = 0
    for path in folder.glob(".*.parquet.*"):
        with suppress(FileNotFoundError):
            if limit is None or datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit:
                path.unlink()
                gone += 1
    return gone


def forget_old(feature_data: Path, limit: datetime) -> int:
    """Drop what works left that failed and in which nothing was written since `limit`, but not one under way."""
    gone = sum(forget_halves(folder, limit) for folder in feature_data.glob("*/"))
    for root in (feature_data / FOLDER).glob("*/"):
        with (
            suppress(RuntimeError, FileNotFoundError),
            alone_in(root, "at the same work in"),
        ):  # an erasure takes no lock
            for folder in root.glob("*/"):
                if datetime.fromtimestamp(folder.stat().st_mtime, UTC) < limit:
                    shutil.rmtree(folder)
                    gone += 1
    return gone


def written(path: Path, write: Callable[[Path], None]) -> Path:
    """The file that `write` makes, whole or not at all; two machines may be at the same one, and the later stays.

    Errors as of `naming`.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with naming(path):
            write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An OSError that names no file, as a full disk's, names the one that is being written."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None or path.name in str(error):
            raise
        full = "; make room there and run it again" if error.errno in (ENOSPC, EDQUOT) else ""
        raise OSError(error.errno, f"{strerror(error.errno)}{full}", str(path)) from error


def code(*packages: str) -> str:
    """A digest of the code of packages: results of other code are others."""
    found = hashlib.sha256()
    for package in packages:
        root = Path(str(files(package)))
        for path in sorted([*root.rglob("*.py"), *root.rglob("*.sql")]):
            found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()

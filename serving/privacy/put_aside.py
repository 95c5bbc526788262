"""Journaled records that no database took, and that were put aside: those about a person go with the person.

Each replica has files of its own, which whoever does an erasure may not see: so each looks through its own for who is
on the suppression list, on which an erasure puts everybody first.
"""

import fcntl
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from features.log import Record
from features.person import Person
from features.privacy.base import Row
from features.privacy.suppression import Suppressions

REJECTED = "rejected.jsonl"
"""Where records go that no database takes."""

log = logging.getLogger(__name__)


class PutAsideRecords:
    """The files of rejected records below the folder of the journals."""

    name = "records put aside"

    def __init__(self, journals: Path) -> None:
        self.journals = journals

    def held(self, person: Person) -> Iterator[Row]:
        """Every record that names one of the ids."""
        for path in self._files():
            yield from (record for record in map(json.loads, _lines(path)) if _about(person, record))

    def erase(self, person: Person) -> None:
        """The others stay, in their order."""
        self._drop(lambda record: _about(person, record))

    def erase_listed(self, listed: Suppressions) -> None:
        """The same for everybody who is on the list. A disk that fails is logged, as nobody's answer hangs on this."""
        if not listed.anybody():
            return
        try:
            self._drop(lambda record: listed.has_user(record["user_id"]) or listed.has_visitor(record["anonymous_id"]))
        except OSError as error:
            log.error("records put aside are still there of who is to be forgotten: %s", type(error).__name__)

    def _drop(self, goes: Callable[[Row], bool]) -> None:
        for path in self._files():
            with _alone(path.parent):
                lines = _lines(path)
                kept = [line for line in lines if not goes(json.loads(line))]
                if len(kept) < len(lines):
                    made = path.with_suffix(".new")
                    made.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
                    made.replace(path)

    def _files(self) -> list[Path]:
        return sorted(self.journals.rglob(REJECTED))


def put_aside(folder: Path, record: Record) -> None:
    """Keep a record in the file of `folder`, for a person to look at."""
    with _alone(folder), (folder / REJECTED).open("a", encoding="utf-8") as rejected:
        rejected.write(json.dumps(asdict(record)) + "\n")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other worker changes the file meanwhile, or what it adds would be lost."""
    with (folder / ".rejected").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]  # behind the last there is one that was never finished


def _about(person: Person, record: Row) -> bool:
    return record["user_id"] in person.user_ids or record["anonymous_id"] in person.anonymous_ids

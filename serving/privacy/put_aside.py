"""Journaled records that no database took, and that were put aside: those about a person go with the person.

Each replica has files of its own, which whoever does an erasure may not see: so each looks through its own for who is
on the suppression list, on which an erasure puts everybody first, and for who was erased since and taken off it again.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from features.log import Record
from features.person import Person
from features.privacy.base import Row
from features.privacy.receipts import add_found, erased_until
from features.privacy.suppression import Suppressions

REJECTED = "rejected.jsonl"
"""Where records go that no database takes."""

FOUND = "records put aside by replicas"
"""What a receipt calls those that replicas found by themselves; an erasure's own step has the name of the store."""


class PutAsideRecords:
    """The files of rejected records below the folder of the journals."""

    name = "records put aside"

    def __init__(self, journals: Path) -> None:
        self.journals = journals

    def held(self, person: Person) -> Iterator[Row]:
        """Every record that names one of the ids."""
        for path in self._files():
            yield from (
                record for record in map(_record, _lines(path)) if record is not None and _about(person, record)
            )

    def erase(self, person: Person) -> None:
        """The others stay, in their order; half a record that a crash left goes too, as nobody knows whose it was."""
        self._drop(lambda record: _about(person, record))

    def erase_listed(self, listed: Suppressions) -> None:
        """The same for everybody who is on the list or was erased after the record came; receipts count what goes."""
        if not any(path.stat().st_size for path in self._files()):
            return
        until = erased_until(listed.engine)

        def hashes(record: Row) -> list[str]:
            ids = [() if record[name] is None else (record[name],) for name in ("user_id", "anonymous_id")]
            return listed.hashes_of(Person("", *ids))

        def goes(record: Row) -> bool:
            if listed.has_user(record["user_id"]) or listed.has_visitor(record["anonymous_id"]):
                return True
            return any(record.get("received_at", 0) <= until.get(hash_, -1) for hash_ in hashes(record))

        self._drop(goes, lambda gone: add_found(listed.engine, FOUND, [hashes(record) for record in gone]))

    def _drop(self, goes: Callable[[Row], bool], told: Callable[[list[Row]], object] = lambda _: None) -> None:
        """`told` of those that go before they do, or nobody would know of them when it ends with an error."""
        for path in self._files():
            with _alone(path.parent):
                lines = _lines(path)
                read = [(line, _record(line)) for line in lines]
                kept = [line for line, record in read if record is not None and not goes(record)]
                if len(kept) < len(lines):
                    told([record for _, record in read if record is not None and goes(record)])
                    made = path.with_suffix(".new")
                    made.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
                    made.replace(path)

    def _files(self) -> list[Path]:
        return sorted(self.journals.rglob(REJECTED))


def put_aside(folder: Path, record: Record) -> None:
    """Keep a record in the file of `folder`, for a person to look at."""
    with _alone(folder), (folder / REJECTED).open("ab+") as rejected:
        if rejected.tell():
            rejected.seek(-1, os.SEEK_END)
        begins = rejected.read(1) in (
            b"",
            b"\n",
        )  # or half a record, at which a crash or a full disk ended, stands there
        rejected.write(b"" if begins else b"\n")
        rejected.write(json.dumps(asdict(record)).encode() + b"\n")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other worker changes the file meanwhile, or what it adds would be lost."""
    with (folder / ".rejected").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]  # behind the last there is one that was never finished


def _record(line: str) -> Row | None:
    """None for half a record."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"user_id", "anonymous_id"} <= found.keys() else None


def _about(person: Person, record: Row) -> bool:
    return record["user_id"] in person.user_ids or record["anonymous_id"] in person.anonymous_ids

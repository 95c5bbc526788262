"""Journaled records that no database took, and that were put aside: those about a person go with the person."""

import json
from collections.abc import Iterator
from pathlib import Path

from features.person import Person
from features.privacy.base import Row
from serving.replay import REJECTED


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
        for path in self._files():
            lines = _lines(path)
            kept = [line for line in lines if not _about(person, json.loads(line))]
            if len(kept) < len(lines):
                made = path.with_suffix(".new")
                made.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
                made.replace(path)

    def _files(self) -> list[Path]:
        return sorted(self.journals.rglob(REJECTED))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]  # behind the last there is one that was never finished


def _about(person: Person, record: Row) -> bool:
    return record["user_id"] in person.user_ids or record["anonymous_id"] in person.anonymous_ids

"""What no database took and was put aside is forgotten with its person; other people's records stay."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from features.database import open_database
from features.log import Record
from features.person import Person
from features.privacy.suppression import Suppressions
from serving.privacy.put_aside import REJECTED, PutAsideRecords, put_aside

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HERS = [("u1", "a2"), (None, "a1")]
OTHERS = [("u2", None), (None, "a2")]
HER = Person("u1", ("u1",), ("a1",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four records that a replica put aside, half of them of one person."""
    folder = tmp_path / "of a database" / "event"
    folder.mkdir(parents=True)
    for user_id, anonymous_id in (HERS[0], *OTHERS, HERS[1]):
        put_aside(folder, Record("k", "product_viewed", 1, 1, user_id, anonymous_id, "{}"))
    return folder / REJECTED


def ids(file: Path) -> list[tuple[str | None, str | None]]:
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(record["user_id"], record["anonymous_id"]) for record in found]


def test_records_about_a_person_are_forgotten_and_others_stay(file: Path, tmp_path: Path) -> None:
    store = PutAsideRecords(tmp_path)
    assert [row["user_id"] for row in store.held(HER)] == ["u1", None]
    store.erase(HER)
    assert list(store.held(HER)) == []
    assert ids(file) == OTHERS
    assert not file.with_suffix(".new").exists()


def test_a_replica_forgets_whom_another_one_erased(file: Path, tmp_path: Path) -> None:
    listed, store = Suppressions(open_database("sqlite://"), b"a secret"), PutAsideRecords(tmp_path)
    store.erase_listed(listed)
    assert ids(file) == [HERS[0], *OTHERS, HERS[1]]
    listed.add(HER, NOW)
    store.erase_listed(listed)
    assert ids(file) == OTHERS


@pytest.mark.parametrize("torn", [b'{"key": "k", "user', b"[]", b'{"key": "k"}'])
def test_half_a_record_takes_no_other_with_it_and_goes_with_the_first_who_is_forgotten(
    file: Path, tmp_path: Path, torn: bytes
) -> None:
    store = PutAsideRecords(tmp_path)
    with file.open("ab") as rejected:
        rejected.write(torn)
    put_aside(file.parent, Record("k", "product_viewed", 1, 1, "u3", None, "{}"))
    assert [row["user_id"] for row in store.held(HER)] == ["u1", None]
    store.erase(HER)
    assert ids(file) == [*OTHERS, ("u3", None)]


def test_what_is_put_aside_while_another_worker_erases_stays(tmp_path: Path) -> None:
    store, done = PutAsideRecords(tmp_path), Event()
    put_aside(tmp_path, Record("k", "product_viewed", 1, 1, "u1", None, "{}"))

    def erase() -> None:
        while not done.is_set():
            store.erase(HER)

    with ThreadPoolExecutor(1) as other:
        erasing = other.submit(erase)
        for number in range(200):
            put_aside(tmp_path, Record("k", "product_viewed", 1, 1, "u1" if number % 2 else "u2", None, "{}"))
        done.set()
        erasing.result()
    store.erase(HER)
    assert ids(tmp_path / REJECTED) == [("u2", None)] * 100

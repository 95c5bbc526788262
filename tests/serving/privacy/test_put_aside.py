"""What no database took and was put aside is forgotten with its person; other people's records stay."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

import serving.privacy.put_aside
from features.database import open_database
from features.log import Record, microseconds
from features.person import Person
from features.privacy.jobs import Jobs
from features.privacy.suppression import Suppressions
from serving.privacy.put_aside import FOUND, REJECTED, PutAsideRecords, put_aside

NOW, DAY = datetime(2026, 11, 21, tzinfo=UTC), timedelta(days=1)
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


def test_a_receipt_counts_what_each_replica_found_whenever_it_looks(file: Path, tmp_path: Path) -> None:
    """Also while a worker is at the job, and when the job is done long since."""
    listed = Suppressions(open_database("sqlite://"), b"a secret")
    jobs = Jobs(listed.engine)
    earlier = jobs.submit("erase", HER, listed.hashes_of(HER), NOW - DAY)
    job = jobs.submit("erase", HER, listed.hashes_of(HER), NOW)
    listed.add(HER, NOW)
    at_work = replace(job, counts={"event log": 7})
    PutAsideRecords(tmp_path).erase_listed(listed)
    done = jobs.end(jobs.save(at_work, NOW), NOW)
    assert dict(done.counts) == {"event log": 7, FOUND: 2}
    put_aside(tmp_path, Record("k", "product_viewed", 1, 1, "u1", None, "{}"))
    PutAsideRecords(tmp_path).erase_listed(listed)
    late = jobs.find(job.id)
    assert late is not None
    assert (dict(late.counts), late.updated_at) == ({"event log": 7, FOUND: 3}, NOW)
    assert jobs.find(earlier.id) == earlier


def test_a_replica_that_was_away_forgets_who_was_erased_and_taken_off_the_list_and_nothing_since(
    file: Path, tmp_path: Path
) -> None:
    listed = Suppressions(open_database("sqlite://"), b"a secret")
    jobs = Jobs(listed.engine)
    jobs.end(jobs.submit("erase", HER, listed.hashes_of(HER), NOW), NOW + DAY)
    later = microseconds(NOW + 2 * DAY)
    put_aside(file.parent, Record("k", "product_viewed", later, later, "u1", None, "{}"))
    PutAsideRecords(tmp_path).erase_listed(listed)
    assert ids(file) == [*OTHERS, ("u1", None)]


def test_who_is_suppressed_alone_is_forgotten_and_counted_nowhere(file: Path, tmp_path: Path) -> None:
    listed = Suppressions(open_database("sqlite://"), b"a secret")
    other = Person("u9", ("u9",), ())
    job = Jobs(listed.engine).submit("erase", other, listed.hashes_of(other), NOW)
    listed.add(HER, NOW)
    PutAsideRecords(tmp_path).erase_listed(listed)
    assert ids(file) == OTHERS
    assert Jobs(listed.engine).find(job.id) == job


def test_what_could_not_be_counted_is_looked_for_again(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Suppressions(open_database("sqlite://"), b"a secret")
    listed.add(HER, NOW)
    with monkeypatch.context() as patched:
        patched.setattr(serving.privacy.put_aside, "add_found", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            PutAsideRecords(tmp_path).erase_listed(listed)
    assert ids(file) == [HERS[0], *OTHERS, HERS[1]]
    PutAsideRecords(tmp_path).erase_listed(listed)
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

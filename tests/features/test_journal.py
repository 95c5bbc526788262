"""A journal keeps its word: what was kept is read back after any crash, in order; a living process keeps its own."""

import fcntl
import os
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.journal import Journal, JournalFull, orphan
from features.log import Record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def record(number: int, payload: str = "{}") -> Record:
    return Record(f"k{number}", "product_viewed", number, number + 1, None, "a", payload)


def left_behind(folder: Path) -> list[Record] | None:
    with orphan(folder) as records:
        return records


def die(journal: Journal) -> None:
    """What the kernel does when a process is killed: its locks are gone."""
    os.close(journal._file)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(TEXT, max_size=4), max_size=6), st.integers(1, 5))
def test_what_was_kept_is_read_in_order_and_survives_its_process(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], most: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, 64_000)
    kept = [[record(place, text) for place, text in enumerate(batch)] for batch in batches]
    for batch in kept:
        journal.append(batch)
    expected = [one for batch in kept for one in batch]
    found, end = [], 0
    while len(found) < len(expected):
        part, end = journal.read(end, most)
        assert 0 < len(part) <= most
        found += part
    assert found == expected
    assert left_behind(folder) is None, "its process lives"
    die(journal)
    assert left_behind(folder) == expected
    assert left_behind(folder) is None
    assert not list(folder.iterdir())


def test_no_file_is_ever_longer_than_what_was_reserved(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 1_000)
    endless = map(journal.append, ([record(number)] for number in count()))
    with pytest.raises(JournalFull, match="left"):
        list(endless)
    assert journal.path.stat().st_size == 1_000
    before = journal.read(0, 1_000)[0]
    assert [one.key for one in before] == [f"k{number}" for number in range(len(before))]
    with pytest.raises(JournalFull):
        journal.append([record(1, "x" * 2_000)])
    assert journal.read(0, 1_000)[0] == before


def test_forgetting_waits_for_what_came_meanwhile_and_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 10_000)
    journal.append([record(1, "a secret")])
    _, end = journal.read(0, 10)
    journal.append([record(2)])
    assert not journal.empty(end)
    assert len(journal.read(0, 10)[0]) == 2
    assert journal.empty(journal.size)
    assert not journal.path.read_bytes().strip(b"\0")
    journal.append([record(3)])
    assert [one.key for one in journal.read(0, 10)[0]] == ["k3"]
    journal.empty(journal.size)
    journal.close()
    assert not journal.path.exists()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_record_that_was_cut_off_is_nobodys_and_costs_no_other(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path, 10_000)
    journal.append([record(1)])
    whole = journal.size
    journal.append([record(2)])
    os.pwrite(journal._file, bytes(journal.size - whole - cut), whole + cut)
    die(journal)
    assert left_behind(tmp_path) == [record(1)]


def test_what_could_not_be_written_elsewhere_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 10_000)
    journal.append([record(1)])
    journal.close()

    def fail() -> None:
        with orphan(tmp_path):
            raise OSError("the database is still away")

    with pytest.raises(OSError, match="away"):
        fail()
    assert left_behind(tmp_path) == [record(1)]


def test_who_still_uses_it_when_it_is_closed_does_not_touch_the_next_file_that_is_opened(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", 1_000)
    journal.append([record(1)])
    number, end = journal._file, journal.size
    journal.close()
    other = tmp_path / "other"
    other.write_bytes(b"x" * 2_000)
    files = [os.open(other, os.O_RDWR)]
    if files[0] != number:  # a lower number was free, as what others had left open was closed meanwhile
        files.append(fcntl.fcntl(files[0], fcntl.F_DUPFD, number))
    try:
        assert number in files, "else this tries nothing"
        with pytest.raises(OSError, match="Bad file descriptor"):
            journal.empty(end)
        with pytest.raises(OSError, match="Bad file descriptor"):
            journal.read(0, 10)
    finally:
        for file in files:
            os.close(file)
    assert other.read_bytes() == b"x" * 2_000

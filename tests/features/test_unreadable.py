"""A file with a damaged page or without its end is named, by whoever reads it and whatever the library says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from features import shards
from features.compute import NOBODY, customer_features
from features.history import FILES, parts
from features.history_rows import SCHEMA
from features.in_shards import in_shards
from features.person import Person
from features.privacy.parquet import HistoryFiles
from features.snapshots import build
from features.unreadable import named
from pipelines.engine import BucketsFailed, Local
from tests.features.shop import bought, day, history_of


def bad_page(path: Path) -> None:
    """The pages of a column are others; the footer is whole."""
    group = pq.read_metadata(path).row_group(0)
    column = group.column(SCHEMA.names.index("user_id"))
    start = column.dictionary_page_offset
    content = bytearray(path.read_bytes())
    for place in range(start, start + column.total_compressed_size):
        content[place] ^= 0xFF
    path.write_bytes(content)


def flip(path: Path, name: str) -> None:
    """One bit of a column is another, in what is no header."""
    column = pq.read_metadata(path).row_group(0).column(SCHEMA.names.index(name))
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[start + column.total_compressed_size - 1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """The footer is lost."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def history(tmp_path: Path) -> Path:
    told = [bought(f"u{number}", 1 + number / 1000, f"o{number}", f"p{number % 37}") for number in range(800)]
    return history_of(tmp_path / "history", told, buckets=4)


@pytest.fixture(params=[bad_page, cut])
def broken(history: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The file of bucket 3."""
    damage: Callable[[Path], None] = request.param
    (path,) = [path for path in history.glob(FILES) if path.parent.name == "bucket=03"]
    damage(path)
    return path


def test_a_build_names_the_file_the_shard_and_its_buckets(history: Path, broken: Path, tmp_path: Path) -> None:
    with pytest.raises(BucketsFailed) as caught:
        build(history, NOBODY, tmp_path / "features", day(35), run=Local().map, count=2)
    told = str(caught.value)
    assert f"1: OSError: {broken} cannot be read (" in told
    assert "restore it, or, unless a retention of events shortened the log, drop the history and compact it" in told
    assert "it again (shard 1 of 2, of the buckets 1, 3)" in told


def test_who_reads_in_this_process_is_told_the_file(history: Path, broken: Path) -> None:
    with pytest.raises(OSError, match=f"{broken} cannot be read"):
        list(in_shards(history, NOBODY, day(35), count=2))
    with pytest.raises(OSError, match=f"{broken} cannot be read"):
        customer_features(history, NOBODY, day(35))


def test_a_day_that_a_retention_took_meanwhile_is_not_called_damaged(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*asked: Any) -> list[Path]:
        found = parts(*asked)
        if found:
            found[0].unlink()
        return found

    monkeypatch.setattr(shards, "parts", listed)
    with pytest.raises(BucketsFailed, match=r"part-\S+ is gone, .* run this again") as caught:
        build(history, NOBODY, tmp_path / "features", day(35), count=2, run=Local().map)
    assert "cannot be read" not in str(caught.value)
    monkeypatch.undo()
    assert build(history, NOBODY, tmp_path / "features", day(35), count=2, run=Local().map).customers > 0


def test_an_error_that_no_file_explains_stays_what_it_is(history: Path) -> None:
    with pytest.raises(duckdb.CatalogException), named(history.glob(FILES), "restore it"):
        duckdb.sql("SELECT nothing_like_that()")


@pytest.mark.parametrize("name", SCHEMA.names)
def test_an_erasure_gives_no_damaged_page_a_good_checksum(history: Path, name: str) -> None:
    path = next(history.glob(FILES))
    person = Person(id_ := str(pq.read_table(path, partitioning=None)["user_id"][0]), (id_,), ())
    flip(path, name)
    damaged = path.read_bytes()
    with pytest.raises(OSError, match=f"{path} cannot be read .* or delete it with all its rows"):
        HistoryFiles(history).erase(person)
    assert path.read_bytes() == damaged
    path.unlink()
    HistoryFiles(history).erase(person)


@pytest.mark.parametrize("name", SCHEMA.names)
def test_a_bit_that_changed_is_found_by_the_checksum_of_its_page(history: Path, name: str) -> None:
    path = next(history.glob(FILES))
    with pytest.raises(duckdb.Error), named([path], "restore it"):
        raise duckdb.Error
    flip(path, name)
    with pytest.raises(OSError, match=f"{path} cannot be read"), named([path], "restore it"):
        raise duckdb.Error


def test_an_erasure_does_not_pass_over_ids_that_are_damaged(history: Path) -> None:
    path = next(history.glob(FILES))
    flip(path, "anonymous_id")
    with pytest.raises(OSError, match=f"{path} cannot be read"):
        HistoryFiles(history).erase(Person("u1", ("u1",), ()))

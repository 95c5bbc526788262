"""Who erases from a SQLite file is told when its log still holds what was erased, and does it again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from features.privacy.online import _delete

HER = b"her-entity-key"


def test_a_reader_who_holds_on_to_the_log_of_the_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.privacy.online._WAIT", 0.1)
    path = tmp_path / "online.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as writer,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE kairos_customer (entity_key BLOB)")
        writer.execute("INSERT INTO kairos_customer VALUES (?)", (HER,))
        reader.execute("BEGIN")
        assert reader.execute("SELECT * FROM kairos_customer").fetchall() == [(HER,)]
        with pytest.raises(TimeoutError, match="a reader holds on"):
            _delete(path, [HER], [])
        reader.execute("COMMIT")
        _delete(path, [HER], [])
        assert all(HER not in one.read_bytes() for one in tmp_path.iterdir())

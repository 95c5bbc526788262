"""The history holds each line once, whatever the batches were and wherever a compaction was killed."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from features import history, history_part
from features.database import open_database
from features.events import Body, Line
from features.history import FILES, compact, drop, position, position_before
from features.history_rows import SCHEMA, bucket_of
from features.log import EVENTS, Log, Record, moment
from tests.features.shop import bought, happened, log_of

ROOT = Path(__file__).parents[2]
NOON = 1_767_225_600_000_000
A_DAY = 86_400_000_000

Rows = list[tuple[Any, ...]]


class Killed(BaseException):
    """Nothing catches it, as nothing catches `kill -9`."""


def rows_in(folder: Path) -> Rows:
    """Every row on disk up to the position that the history claims, sorted."""
    files = [str(path) for path in folder.glob(FILES)]
    table = ds.dataset(files, schema=SCHEMA).to_table() if files else SCHEMA.empty_table()
    columns = [table[name].to_pylist() for name in SCHEMA.names]
    return sorted(row for row in zip(*columns, strict=True) if row[0] <= position(folder))


def rows_expected(records: Sequence[Record]) -> Rows:
    """The same by a plain loop."""
    rows: Rows = []
    for record in records:
        body = msgspec.json.decode(record.payload, type=Body)
        who = (record.user_id, record.anonymous_id)
        when = (moment(record.occurred_at), moment(record.received_at))
        for number, line in enumerate(body.lines or (None,)):
            what = (line.product_id, line.quantity, line.price) if line else (None, None, None)
            rows.append((record.position, number, record.type, *when, *who, *what, body.currency, body.order_id))
    return sorted(rows)


def test_what_is_expected_is_what_is_known() -> None:
    """The plain loop is itself held against a row written down."""
    log = log_of([bought("u1", 1.5, "o1", ("p", 2, "3.50"))])
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert rows_expected(log.read()) == [
        (1, 0, "order_completed", at, at, "u1", None, "p", 2.0, Decimal("3.50"), None, "o1")
    ]


lines = st.builds(
    Line,
    product_id=st.sampled_from(["p", "q", "ü/🛒"]),
    quantity=st.sampled_from([1.0, 0.25, 1e18]),
    price=st.none() | st.decimals(-(10**13), 10**13, places=4),
)
bodies = st.builds(
    Body,
    lines=st.lists(lines, max_size=3).map(tuple),
    order_id=st.none() | st.just("o1"),
    currency=st.sampled_from([None, "EUR"]),
)
events = st.lists(
    st.tuples(
        st.integers(NOON - 3 * A_DAY, NOON + 3 * A_DAY) | st.sampled_from([-1, 0, A_DAY - 1, A_DAY]),
        st.sampled_from([("u1", None), ("u2", "a"), (None, "a"), (None, "b")]),
        bodies,
    ),
    max_size=12,
)


def records_of(drawn: Sequence[tuple[int, tuple[str | None, str | None], Body]]) -> list[Record]:
    """Records with the keys 0, 1, 2, ..."""
    return [
        Record(str(key), "order_completed", at, at + 1, user, anonymous, msgspec.json.encode(body).decode())
        for key, (at, (user, anonymous), body) in enumerate(drawn)
    ]


@settings(max_examples=40, deadline=None)
@given(events, st.data())
def test_batches_and_crashes_change_no_row(
    drawn: list[tuple[int, tuple[str | None, str | None], Body]], data: st.DataObject
) -> None:
    records = records_of(drawn)
    log = log_of([])
    replace = Path.replace
    with TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        folder = Path(temporary, "history")
        while records:
            size = data.draw(st.integers(1, len(records)), "appended")
            log.append(records[:size])
            records = records[size:]
            survived = data.draw(st.integers(0, 12), "renames before the crash")
            before = data.draw(st.booleans(), "killed before the rename")

            def rename(path: Path, target: Path, before: bool = before) -> Path:
                nonlocal survived
                survived -= 1
                if survived < 0 and before:
                    raise Killed
                renamed = replace(path, target)
                if survived < 0:
                    raise Killed
                return renamed

            patch.setattr(Path, "replace", rename)
            with suppress(Killed):
                compact(
                    log,
                    folder,
                    3,
                    positions_per_part=data.draw(st.integers(1, 5), "positions"),
                    at_a_time=data.draw(st.integers(1, 3), "ranges at a time"),
                )
            whole = rows_expected(log.read())
            assert rows_in(folder) == [row for row in whole if row[0] <= position(folder)]
        patch.undo()
        compact(log, folder, 3)
        assert rows_in(folder) == rows_expected(log.read())
        assert position(folder) == log.last_position()
        assert not list(folder.rglob(".part-*"))


def test_a_compaction_survives_kill_9(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    log = Log(open_database(url), EVENTS)
    log.append([bought(f"u{number % 7}", number / 100, f"o{number}", "p", "q") for number in range(600)])
    script = f"""
import os, signal
from pathlib import Path
from features.database import open_database
from features.history import compact
from features.log import EVENTS, Log

rename, written = Path.replace, []

def killing(path, target):
    written.extend([target] if "part-000000000401" in target.name else [])
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)

Path.replace = killing
compact(Log(open_database({url!r}), EVENTS), Path({str(tmp_path / "history")!r}), 4, positions_per_part=400)
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert position(tmp_path / "history") == 400, "the second part was under way"
    compact(log, tmp_path / "history", 4, positions_per_part=100)
    assert rows_in(tmp_path / "history") == rows_expected(log.read())


def test_both_databases_give_the_same_history(engine: Engine, tmp_path: Path) -> None:
    log = Log(engine, EVENTS)
    log.append([bought("u1", 1, "o1", "p"), happened("product_viewed", "?a", 2, "q"), happened("page_viewed", "?a", 3)])
    assert compact(log, tmp_path, 4).rows == 3
    assert rows_in(tmp_path) == rows_expected(log.read())


def test_a_row_lies_in_the_partition_of_its_day_and_customer(tmp_path: Path) -> None:
    log = log_of([bought("u1", 1.999_999, "o1", "p"), happened("page_viewed", "?a", 2.0)])
    compact(log, tmp_path, 8)
    log.append([bought("u1", 1.5, "o2", "late")])
    compact(log, tmp_path, 8)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob(FILES))
    assert found == [
        f"day=2026-01-02/bucket={bucket_of('u1', 8):02d}/part-000000000001-000000000002.parquet",
        f"day=2026-01-02/bucket={bucket_of('u1', 8):02d}/part-000000000003-000000000003.parquet",
        f"day=2026-01-03/bucket={bucket_of('anonymous:a', 8):02d}/part-000000000001-000000000002.parquet",
    ]


def test_the_position_before_a_moment_lies_before_all_that_occurred_from_then_on(tmp_path: Path) -> None:
    records = [bought("u1", at, f"o{at}", "p") for at in (1.0, 2.5, 4.0, 2.0, 5.0)]
    compact(log_of(records), tmp_path, 4)
    for at, expected in ((0.5, 0), (2.0, 1), (2.25, 1), (2.500_001, 2), (4.5, 4), (5.0, 4), (5.000_001, 5), (99.0, 5)):
        assert position_before(tmp_path, moment(NOON + round(at * A_DAY))) == expected, at
    assert position_before(tmp_path / "none", moment(NOON)) == 0


def test_the_hash_never_changes() -> None:
    """A history outlives the code that wrote it."""
    assert [bucket_of(customer, 64) for customer in ("", "u1", "anonymous:a", "ü🛒")] == [0, 54, 27, 63]


def test_microseconds_are_kept_and_prices_rounded(tmp_path: Path) -> None:
    prices = ["0.00005", "0.00015", "99999999999999.9999", "99999999999999.99999", "1e30", "NaN", "-2.5"]
    body = '{"lines":[' + ",".join(f'{{"product_id":"p","price":"{price}"}}' for price in prices) + "]}"
    log = log_of([Record("a", "order_completed", NOON + 1, NOON + 2, "u1", None, body)])
    compact(log, tmp_path, 1)
    rows = rows_in(tmp_path)
    assert [row[9] if row[9] is None else str(row[9]) for row in rows] == [
        "0.0000", "0.0002", "99999999999999.9999", None, None, None, "-2.5000"
    ]  # fmt: skip
    assert rows[0][3].microsecond == 1
    assert ds.dataset([str(path) for path in tmp_path.glob(FILES)]).schema.field("occurred_at").type == pa.timestamp(
        "us", "UTC"
    )


def test_progress_counts_every_event_once(tmp_path: Path) -> None:
    log = log_of([happened("page_viewed", "u1", number) for number in range(10)])
    heard: list[int] = []
    done = compact(log, tmp_path, 2, heard.append, positions_per_part=4)
    assert (sum(heard), done.rows, done.position) == (10, 10, 10)
    assert compact(log, tmp_path, 2, heard.append).rows == 0
    assert sum(heard) == 10


def test_other_buckets_are_refused_with_the_way_out(tmp_path: Path) -> None:
    log = log_of([bought("u1", 1, "o1", "p")])
    compact(log, tmp_path, 4)
    with pytest.raises(
        ValueError, match=r"has 4 buckets by crc32, asked for 8 .*unless a retention of events .* drop the history"
    ):
        compact(log, tmp_path, 8)
    before = rows_in(tmp_path)
    drop(tmp_path)
    assert (position(tmp_path), rows_in(tmp_path)) == (0, [])
    compact(log, tmp_path, 8)
    assert rows_in(tmp_path) == before


def test_another_log_is_refused(tmp_path: Path) -> None:
    first, second = (
        log_of([bought("u1", 1, "o1", "p"), bought("u1", 2, "o2", "p")]),
        log_of([bought("u1", 1, "o1", "p")]),
    )
    compact(first, tmp_path, 4)
    with pytest.raises(ValueError, match=r"reaches position 2, but the log ends at 1.* unless a retention"):
        compact(second, tmp_path, 4)


def test_files_without_a_state_are_leftovers(tmp_path: Path) -> None:
    log = log_of([bought("u1", 1, "o1", "p"), bought("u2", 2, "o2", "p")])
    compact(log, tmp_path, 4, positions_per_part=1)
    (tmp_path / "state.json").unlink()
    compact(log, tmp_path, 4)
    assert rows_in(tmp_path) == rows_expected(log.read())


def test_what_somebody_put_the_position_back_behind_is_written_once(tmp_path: Path) -> None:
    """By who slept through the lease between asking for it and writing the state."""
    log = log_of([bought("u1", 1, "o1", "p")])
    compact(log, tmp_path, 4)
    theirs = (tmp_path / "state.json").read_bytes()
    log.append([bought("u1", 1, "o2", "p"), bought("u1", 2, "o3", "p")])
    compact(log, tmp_path, 4)
    (tmp_path / "state.json").write_bytes(theirs)
    log.append([bought("u1", 3, "o4", "p")])
    compact(log, tmp_path, 4)
    assert rows_in(tmp_path) == rows_expected(log.read())


def test_a_writer_asks_whether_it_is_alone_right_before_whatever_readers_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of([bought("u1", 1, "o1", "p"), bought("u2", 2, "o2", "p")])
    done: list[str] = []

    def told(name: str, what: Callable[..., Any]) -> Callable[..., Any]:
        def tell(*given: Any) -> Any:
            done.append(name)
            return what(*given)

        return tell

    for name in ("_clear", "discard", "write_state"):
        monkeypatch.setattr(history, name, told(name, getattr(history, name)))
    monkeypatch.setattr(history_part, "written", told("written", history_part.written))

    def ask() -> None:
        done.append("asked")

    compact(log, tmp_path, 4, positions_per_part=1, still_alone=ask)
    drop(tmp_path, ask)
    compact(log, tmp_path, 4, still_alone=ask)
    acts = [place for place, one in enumerate(done) if one != "asked"]
    assert {done[place - 1] for place in acts} == {"asked"}
    assert {done[place] for place in acts} == {"_clear", "discard", "write_state", "written"}


def test_what_was_erased_after_a_crash_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of([bought("u1", 1, "o1", "p"), bought("secret", 2, "o2", "p"), bought("u1", 3, "o3", "p")])
    with monkeypatch.context() as patch:
        patch.setattr("features.history.os.sync", _kill)
        with pytest.raises(Killed):
            compact(log, tmp_path, 4)
    assert len(list(tmp_path.glob(FILES))) == 3
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.user_id == "secret"))
    compact(log, tmp_path, 4)
    assert {row[5] for row in rows_in(tmp_path)} == {"u1"}
    assert len(list(tmp_path.glob(FILES))) == 2


@pytest.mark.parametrize("left", [0, 2, 3, 5])
def test_what_was_being_written_when_its_newest_events_were_erased_ends_where_the_log_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    log = log_of([bought("u1", number, f"o{number}", "p") for number in range(6)])
    with monkeypatch.context() as patch:
        patch.setattr("features.history.os.sync", _kill)
        with pytest.raises(Killed):
            compact(log, tmp_path, 4, positions_per_part=3, at_a_time=2)
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS).where(EVENTS.c.position > left))
    for _ in range(2):
        assert compact(log, tmp_path, 4, positions_per_part=3).position == left
    assert rows_in(tmp_path) == rows_expected(log.read())
    log.append([bought("u2", 9, "newer", "p")])
    compact(log, tmp_path, 4)
    assert rows_in(tmp_path) == rows_expected(log.read())


def _kill() -> None:
    raise Killed


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    log = log_of([bought("u1", 1, "o1", "p")])

    def intrude(_: int) -> None:
        with pytest.raises(RuntimeError, match="another process is compacting"):
            compact(log, tmp_path, 4)

    compact(log, tmp_path, 4, intrude)
    assert len(rows_in(tmp_path)) == 1


def test_a_damaged_state_is_named_with_the_way_out(tmp_path: Path) -> None:
    log = log_of([bought("u1", 1, "o1", "p")])
    compact(log, tmp_path, 4)
    for damaged in ("", '{"buckets": 4, "position"', "[]", '{"buckets": "four"}'):
        (tmp_path / "state.json").write_text(damaged)
        for ask in (position, lambda folder: compact(log, folder, 4)):
            with pytest.raises(
                ValueError, match=r"state\.json cannot be read .*unless a retention .*compact --rebuild"
            ):
                ask(tmp_path)
    drop(tmp_path)
    assert compact(log, tmp_path, 4).rows == 1


def test_a_full_disk_names_the_bucket_and_the_file_and_costs_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of([bought("u1", 1, "o1", "p")])
    with monkeypatch.context() as full:
        table = history_part.pq.write_table

        def into_a_full_disk(rows: pa.Table, path: Path, **how: Any) -> None:
            path.symlink_to("/dev/full")
            table(rows, path, **how)

        full.setattr(history_part.pq, "write_table", into_a_full_disk)
        with pytest.raises(OSError, match=r"No space left .*/day=2026-01-02/bucket=0\d/part-0+1-0+1\.parquet'"):
            compact(log, tmp_path, 4)
    (tmp_path / "state.json.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left .*state\.json\.tmp'"):
        compact(log, tmp_path, 4)
    (tmp_path / "state.json.tmp").unlink()
    compact(log, tmp_path, 4)
    assert rows_in(tmp_path) == rows_expected(log.read())

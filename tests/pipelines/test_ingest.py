"""Import: what is right gets in exactly once, what is wrong is told by line, and the order of rows does not matter."""

import csv
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.database import open_database
from features.events import EVENT_TYPES, Body, Line
from features.log import EVENTS, Log, Record, from_record, moment
from pipelines import assemble
from pipelines.event_rows import COLUMNS, MissingColumns
from pipelines.ingest import ImportReport, ingest

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
VIEW = {"type": "product_viewed", "occurred_at": "2026-11-20T10:00:00Z", "user_id": "u1", "product_id": "tea"}
ORDER = VIEW | {"type": "order_completed", "order_id": "o1"}


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """The rows under a header of every column that one of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@contextmanager
def imported(rows: Sequence[dict[str, str]]) -> Iterator[tuple[ImportReport, list[Record]]]:
    """What becomes of rows in an empty log."""
    with TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/kairos.db")
        report = ingest(write_csv(Path(folder) / "rows.csv", rows), engine, AT)
        yield report, Log(engine, EVENTS).read()
        engine.dispose()


def log_of(engine: Engine) -> list[Record]:
    return Log(engine, EVENTS).read(limit=1_000_000)


def body_of(record: Record) -> Body:
    return msgspec.json.decode(record.payload, type=Body)


GARBAGE = [
    ("unknown type", {"type": "product_stolen"}),
    ("unknown type", {"type": ""}),
    ("no customer id", {"user_id": " "}),
    ("no time", {"occurred_at": ""}),
    ("unreadable time", {"occurred_at": "yesterday"}),
    ("unreadable time", {"occurred_at": "2026-02-30"}),
    ("unreadable time", {"occurred_at": "20261120"}),
    ("unreadable time", {"occurred_at": "infinity"}),
    ("time in the future", {"occurred_at": "2026-11-21T12:05:01Z"}),
    ("time in the future", {"occurred_at": "292277-01-01"}),
    ("time before 1970", {"occurred_at": "1969-12-31T23:59:59Z"}),
    ("no product_id", {"product_id": ""}),
    ("no order_id", {"type": "order_completed"}),
    ("no order_id", {"type": "order_cancelled", "product_id": ""}),
    ("no query", {"type": "products_searched"}),
    ("no channel", {"type": "message_sent"}),
    ("no previous_id", {"type": "alias"}),
    ("no group_id", {"type": "grouped"}),
    ("no recommendation_id", {"type": "recommendation_clicked"}),
    ("quantity zero or negative", {"quantity": "0"}),
    ("quantity zero or negative", {"quantity": "-2"}),
    ("quantity above 1e9", {"quantity": "1e12"}),
    ("unreadable quantity", {"quantity": "two"}),
    ("unreadable quantity", {"quantity": "nan"}),
    ("unreadable quantity", {"quantity": "inf"}),
    ("negative price", {"price": "-0.01"}),
    ("unreadable price", {"price": "12,50"}),
    ("unreadable price", {"price": "1e15"}),
    ("unreadable total", {"total": "much"}),
    ("unreadable checkout_step", {"checkout_step": "third"}),
    ("unreadable currency", {"currency": "₽"}),
    ("id over 256 characters", {"user_id": "u" * 257}),
    ("id over 256 characters", {"product_id": "ü" * 257}),
    ("id over 256 characters", {"message_id": "m" * 257}),
    ("text over 1024 characters", {"query": "q" * 1025}),
    ("NUL character", {"user_id": "u\x00"}),
]


@pytest.mark.parametrize(("reason", "damage"), GARBAGE)
def test_a_bad_row_is_rejected_with_its_line_and_the_others_get_in(
    reason: str, damage: dict[str, str], tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    rows = [VIEW, VIEW | damage, VIEW | {"user_id": "u" * 256, "quantity": "0.5"}]
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    report = ingest(write_csv(tmp_path / "rows.csv", rows), engine, AT, reject_file=rejects)
    assert (report.rows, report.accepted, report.events, report.rejected) == (3, 2, 2, {reason: 1})
    with rejects.open(encoding="utf-8", newline="") as file:
        ((line, told, row),) = [(row["line"], row["reason"], row["row"]) for row in csv.DictReader(file)]
    assert (line, told) == ("3", reason)
    assert json.loads(row) == {name: value for name, value in (VIEW | damage).items() if value.strip()}


def test_broken_lines_do_not_stop_the_file(tmp_path: Path) -> None:
    header = b"type,occurred_at,user_id,product_id\n"
    good = b"product_viewed,2026-11-20T10:00:00Z,%s,tea\n"
    lines = [
        header,
        good % b"u2",
        b"product_viewed,2026-11-20T10:00:00Z,\xff\xfe,tea\n",
        good % b'"u4\n5"',
        b"product_viewed,2026-11-20T10:00:00Z,u6\n",
        good % b"u7,and,more",
        good % b'"u8" or so',
        b"\n",
        b'product_viewed,2026-11-20T10:00:00Z,"a quote that never closes,tea\n',
        *[good % b"u11" for _ in range(3_000)],
    ]
    (tmp_path / "rows.csv").write_bytes(b"".join(lines))
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    report = ingest(tmp_path / "rows.csv", engine, AT)
    assert report.rejected == {"broken quotes": 2, "wrong column count": 2, "undecodable bytes": 1}
    assert report.rows == 3_007
    assert report.events == 3_002
    assert report.reject_file == tmp_path / "rows.csv.rejects.csv"
    with report.reject_file.open(encoding="utf-8", newline="") as file:
        assert [(row["line"], row["reason"]) for row in csv.DictReader(file)] == [
            ("3", "undecodable bytes"),
            ("6", "wrong column count"),
            ("7", "wrong column count"),
            ("8", "broken quotes"),
            ("10", "broken quotes"),
        ]
    assert {record.user_id for record in log_of(engine)} == {"u2", "u4\n5", "u11"}


def test_broken_json_lines_do_not_stop_the_file(tmp_path: Path) -> None:
    good = json.dumps(VIEW).encode()
    lines = [
        good,
        b'{"type": ',
        b"[1]",
        b"",
        b'"text"',
        b"\xff" + good,
        good.replace(b"tea", b"\xfe"),
        b"[" * 9_000,
        good,
    ]
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(lines))
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    report = ingest(tmp_path / "rows.jsonl", engine, AT)
    assert report.events == 2
    assert report.rejected == {"broken JSON": 4, "undecodable bytes": 2}
    assert report.reject_file is not None
    with report.reject_file.open(encoding="utf-8", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["2", "3", "5", "6", "7", "8"]


def some_rows(count: int, seed: int = 7) -> list[dict[str, str]]:
    """Views, identical views, and orders of several lines."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        kind = chance.choice(["view", "view", "order", "search"])
        time = {"occurred_at": f"2026-10-{chance.randrange(1, 29):02d}T0{chance.randrange(3)}:00:00Z"}
        row = (
            VIEW
            | time
            | {"user_id": f"u{chance.randrange(4)}", "product_id": f"p{chance.randrange(3)}", "price": "1.5"}
        )
        if kind == "order":
            order = chance.randrange(count // 8 + 1)
            row |= {"type": "Order Completed", "order_id": f"o{order}", "user_id": f"u{order % 3}", "quantity": "2"}
        elif kind == "search":
            row |= {"type": "products_searched", "query": "green tea", "product_id": ""}
        rows.append(row | ({"message_id": f"m{number}"} if chance.random() < 0.2 else {}))
    return rows


def test_running_it_twice_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "rows.csv", some_rows(400))
    first = ingest(file, engine, AT)
    written = log_of(engine)
    second = ingest(file, engine, AT + timedelta(days=1))
    assert first.events == len(written) > 200
    assert first.duplicates == 0
    assert (second.events, second.duplicates) == (0, first.events)
    assert log_of(engine) == written
    assert {moment(record.received_at) for record in written} == {AT}


def test_an_interrupted_import_is_completed_by_the_next(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assemble, "_BATCH", 30)
    file = write_csv(tmp_path / "rows.csv", some_rows(300))

    def unplug(done: int, total: int | None) -> None:
        if len(log_of(engine)) >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(file, engine, AT, progress=unplug)
    half = log_of(engine)
    assert len(half) == 60
    ingest(file, engine, AT)
    whole = open_database(f"sqlite:///{tmp_path / 'whole.db'}")
    ingest(file, whole, AT)
    assert [(r.key, r.payload) for r in log_of(engine)] == [(r.key, r.payload) for r in log_of(whole)]
    assert log_of(engine)[:60] == half


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 50))
def test_the_order_of_rows_does_not_change_the_events(chance: random.Random, seed: int) -> None:
    rows = some_rows(60, seed)
    with imported(rows) as (_, one), imported(chance.sample(rows, len(rows))) as (_, other):
        assert one == other


row_values = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["product_viewed", "Order Completed", "order_completed", "page", "nonsense", ""]),
        "occurred_at": st.sampled_from(["2026-11-20", "2026-11-20T10:00:00+03:00", "1700000000", "soon", "2036-01-01"]),
        "user_id": st.sampled_from(["u1", "u2", ""]),
        "anonymous_id": st.sampled_from(["a1", "a2", ""]),
        "order_id": st.sampled_from(["o1", "o2", ""]),
        "product_id": st.sampled_from(["tea", 'ключ "€", \'', ""]),
        "quantity": st.one_of(st.just(""), st.floats().map(str), st.text(max_size=3)),
        "price": st.one_of(st.just(""), st.decimals().map(str)),
        "message_id": st.sampled_from(["m1", "m2", "", ""]),
        "currency": st.sampled_from(["EUR", "usd", "EURO", ""]),
        "query": st.text(max_size=8),
    },
)


@settings(max_examples=20, deadline=None)
@given(st.lists(row_values, min_size=1, max_size=12))
def test_every_row_is_accepted_or_rejected_and_every_event_is_whole(rows: list[dict[str, str]]) -> None:
    if not all(any(name in row for row in rows) for name in ("type", "occurred_at", "user_id")):
        rows = [VIEW, *rows]
    full = [
        {
            name: row.get(name, "").replace("\r", "").replace("\n", "").encode(errors="ignore").decode()
            for name in COLUMNS
        }
        for row in rows
    ]
    with imported(full) as (report, records):
        assert report.rows == len(full) == report.accepted + sum(report.rejected.values())
        assert report.events == len(records) <= report.accepted
        assert bool(report.accepted) == bool(records)
        for record in records:
            assert record.type in EVENT_TYPES
            assert record.user_id or record.anonymous_id
            assert all(line.quantity > 0 and (line.price or 0) >= 0 for line in body_of(record).lines)
            assert record.type != "order_completed" or body_of(record).order_id


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).map(lambda text: f"<{text}>")
amounts = st.decimals(0, 10**9, places=6).map(lambda value: format(value, "f"))


@settings(max_examples=20, deadline=None)
@given(
    product_id=texts,
    query=texts,
    quantity=st.floats(1e-6, 1e9),
    price=amounts,
    rating=st.floats(-10, 10),
    step=st.integers(0, 9),
)
def test_the_payload_is_what_msgspec_would_read_from_the_row(
    product_id: str, query: str, quantity: float, price: str, rating: float, step: int
) -> None:
    row = VIEW | {
        "product_id": product_id,
        "query": query,
        "quantity": str(quantity),
        "price": price,
        "total": price,
        "rating": str(rating),
        "checkout_step": str(step),
        "currency": "eur",
    }
    money = Decimal(price).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text(json.dumps(row), encoding="utf-8")
        engine = open_database(f"sqlite:///{folder}/kairos.db")
        assert ingest(path, engine, AT).rejected == {}
        (record,) = log_of(engine)
        engine.dispose()
    assert body_of(record) == Body(
        lines=(Line(product_id=product_id, quantity=quantity, price=money),),
        query=query,
        rating=rating,
        checkout_step=step,
        total=money,
        currency="EUR",
    )


def test_the_rows_of_an_order_are_one_event() -> None:
    rows = [
        ORDER | {"occurred_at": "2026-11-20T10:00:09Z", "product_id": "milk", "recommendation_id": "r2"},
        ORDER | {"occurred_at": "2026-11-20T10:00:05Z", "quantity": "3", "price": "2.50", "total": "9.5"},
        ORDER | {"anonymous_id": "a1", "occurred_at": "2026-11-20T10:00:07Z", "total": "10.5"},
        ORDER | {"order_id": "o2", "occurred_at": "2026-11-20T11:00:00Z", "message_id": "from-the-tracker"},
    ]
    with imported(rows) as (report, (first, second)):
        assert (report.rows, report.accepted, report.events) == (4, 4, 2)
        assert (first.key, first.user_id, first.anonymous_id) == ("order_completed:o1", "u1", "a1")
        assert moment(first.occurred_at) == datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)
        assert body_of(first).total == Decimal("10.5")
        assert set(body_of(first).lines) == {
            Line(product_id="milk", recommendation_id="r2"),
            Line(product_id="tea"),
            Line(product_id="tea", quantity=3.0, price=Decimal("2.5")),
        }
        assert second.key == "from-the-tracker"


def test_an_order_that_contradicts_itself_is_rejected_whole() -> None:
    rows = [
        ORDER,
        ORDER | {"user_id": "u2"},
        ORDER | {"order_id": "o2"},
        ORDER | {"order_id": "o3", "user_id": "", "anonymous_id": "a1"},
        ORDER | {"order_id": "o3", "user_id": "", "anonymous_id": "a2"},
        ORDER | {"order_id": "o4", "currency": "EUR"},
        ORDER | {"order_id": "o4", "currency": "USD"},
    ]
    with imported(rows) as (report, (record,)):
        assert report.rejected == {"order with two customers": 4, "order with two currencies": 2}
        assert record.key == "order_completed:o2"


def test_an_order_may_have_more_lines_than_http_allows() -> None:
    with imported([ORDER | {"product_id": f"p{number}"} for number in range(5_000)]) as (report, (record,)):
        assert report.events == 1
        assert len(body_of(record).lines) == 5_000


def test_identical_rows_count_each_and_message_ids_once() -> None:
    rows = [VIEW, VIEW, VIEW, VIEW | {"message_id": "m1"}, VIEW | {"message_id": "m1", "product_id": "milk"}]
    with imported(rows) as (report, records):
        assert (report.accepted, report.events, report.duplicates) == (5, 4, 1)
        assert len({record.key for record in records}) == 4


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.name)
def test_every_type_is_known_by_our_name_and_by_segments(kind: object) -> None:
    kind = EVENT_TYPES[kind.name]  # type: ignore[attr-defined]
    needed = {"product_id" if name == "lines" else name: "x" for name in kind.requires}
    needed |= {"consent": "granted"} if "consent" in needed else {}
    row = {name: value for name, value in VIEW.items() if name != "product_id"} | needed
    rows = [row | {"type": name} for name in (kind.name, kind.segment, kind.segment.upper(), f" {kind.name} ")]
    if kind.name == "order_completed":
        rows = [row | {"order_id": str(number)} for number, row in enumerate(rows)]
    with imported(rows) as (report, records):
        assert report.rejected == {}
        assert [record.type for record in records] == [kind.name] * 4


def test_a_consent_that_is_neither_granted_nor_withdrawn_costs_its_row() -> None:
    row = {name: value for name, value in VIEW.items() if name != "product_id"} | {"channel": "email"}
    rows = [row | {"type": "consent_changed", "consent": said} for said in ("granted", "maybe", None)]
    with imported(rows) as (report, records):
        assert report.rejected == {"unknown consent": 1, "no consent": 1}
        assert [from_record(record).body.consent for record in records] == ["granted"]


def test_a_mail_proxy_is_told_from_a_person() -> None:
    row = {name: value for name, value in VIEW.items() if name != "product_id"} | {"channel": "email"}
    rows = [row | {"type": "message_opened", "machine": said} for said in ("true", "false", None, "robot")]
    with imported(rows) as (report, records):
        assert report.rejected == {"unreadable machine": 1}
        assert sorted(from_record(record).body.machine for record in records) == [False, False, True]


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T10:00:00.250Z",
        "2026-11-20T13:00:00.250+03:00",
        "2026-11-20 10:00:00.25",
        "2026-11-19T22:00:00.250-1200",
        "1795168800.25",
        "1795168800250",
        "1795168800250000",
    ],
)
def test_a_time_may_be_written_in_many_ways(written: str) -> None:
    with imported([VIEW | {"occurred_at": written}]) as (_, (record,)):
        assert moment(record.occurred_at) == datetime(2026, 11, 20, 10, 0, 0, 250_000, tzinfo=UTC)


def test_the_formats_agree(tmp_path: Path) -> None:
    rows = some_rows(200)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
    typed = {"occurred_at": pa.timestamp("ms", "UTC"), "price": pa.float64(), "quantity": pa.int32()}
    for name, kind in typed.items():
        table = table.set_column(names.index(name), name, table[name].cast(kind))
    pq.write_table(table, tmp_path / "rows.parquet")
    write_csv(tmp_path / "rows.csv", rows)
    text = (tmp_path / "rows.csv").read_text()
    (tmp_path / "semicolon.csv").write_text(text.replace(",", ";"))
    (tmp_path / "tab.tsv").write_text(text.replace(",", "\t").replace("\n", "\r\n"))
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    logs = []
    for number, file in enumerate(sorted(tmp_path.iterdir())):
        engine = open_database(f"sqlite:///{tmp_path / f'{number}.db'}")
        assert ingest(file, engine, AT).rejected == {}, file
        logs.append(log_of(engine))
    assert len(logs) == 7
    assert all(each == logs[0] for each in logs)


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "koi8-r"])
def test_a_file_is_read_in_the_encoding_that_is_named(encoding: str, tmp_path: Path) -> None:
    text = write_csv(tmp_path / "rows.csv", [VIEW | {"product_id": "чай"}]).read_text(encoding="utf-8")
    (tmp_path / "rows.csv").write_bytes(text.encode(encoding))
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    ingest(tmp_path / "rows.csv", engine, AT, encoding=encoding)
    assert [body_of(record).lines[0].product_id for record in log_of(engine)] == ["чай"]


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("missing.csv", None, FileNotFoundError, "is not a file"),
        ("rows.xlsx", b"PK", ValueError, r"\.csv, \.tsv, \.jsonl"),
        ("rows.csv", b"", ValueError, "first line must name every column"),
        ("rows.csv", b"type,type\n", ValueError, "first line must name every column"),
        ("rows.csv", b"a,b\n1,2\n", MissingColumns, "type, occurred_at, user_id or anonymous_id; found: a, b"),
        ("rows.parquet", b"PAR1 not really", ValueError, "cannot be read as Parquet"),
        ("rows.csv.gz", gzip.compress(b"type,occurred_at" * 999, mtime=0)[:-20], ValueError, "not a whole gzip file"),
        ("rows.csv.gz", b"plain", ValueError, "not a whole gzip file"),
    ],
)
def test_what_is_no_table_is_refused_with_a_way_out(
    name: str, content: bytes | None, error: type[Exception], says: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    with pytest.raises(error, match=says):
        ingest(tmp_path / name, engine, AT)
    assert log_of(engine) == []


def test_unknown_encodings_and_missing_paths_are_refused(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    file = write_csv(tmp_path / "rows.csv", [VIEW])
    with pytest.raises(ValueError, match="unknown encoding 'klingon'"):
        ingest(file, engine, AT, encoding="klingon")
    with pytest.raises(ValueError, match="not utf-16"):
        ingest(file, engine, AT, encoding="utf-16")
    with pytest.raises(ValueError, match="name the file"):
        ingest(None, engine, AT)


def test_nothing_is_imported_where_the_rejects_cannot_be_written(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    file = write_csv(tmp_path / "rows.csv", [VIEW, VIEW | {"type": "?"}])
    with pytest.raises(OSError, match="name another place"):
        ingest(file, engine, AT, reject_file=tmp_path)
    assert log_of(engine) == []


def test_a_file_without_rows_is_no_error() -> None:
    with TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/kairos.db")
        for name, content in (("rows.csv", "type,occurred_at,user_id\n"), ("rows.jsonl", "\n")):
            (Path(folder) / name).write_text(content)
            assert ingest(Path(folder) / name, engine, AT).rows == 0
        engine.dispose()


def test_progress_tells_rows_read_then_events_written(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    heard: list[tuple[int, int | None]] = []
    ingest(write_csv(tmp_path / "rows.csv", [VIEW] * 5), engine, AT, progress=lambda *told: heard.append(told))
    assert heard[-2:] == [(5, None), (5, 5)]

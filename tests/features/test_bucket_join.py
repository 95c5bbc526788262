"""Joined bucket by bucket, rows know what they know when all is joined at once, in every trap that was found."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features.bucket_join
from features.bucket_join import bucket_folder, gathered, join_bucket, lend_products, split_rows, split_table
from features.compute import NOBODY
from features.definitions import TTL
from features.history_rows import bucket_of
from features.snapshots import build
from features.store import apply, open_store, training_set
from tests.features.shop import bought, day, history_of

SECOND = timedelta(seconds=1)
ASKED = ("customer:frequency", "customer:monetary")
BUCKETS = 3

Told = tuple[str, datetime, datetime, int]
"""A customer, the timestamp of a row, when it was made, and the frequency in it."""


def table_of(folder: Path, name: str, told: Sequence[Told]) -> None:
    """A table of customers' features with these rows."""
    who, at, made, frequency = zip(*told, strict=True)
    stamp = pa.timestamp("us", "UTC")
    table = pa.table(
        {
            "customer_id": pa.array(who),
            "event_timestamp": pa.array(at, stamp),
            "created": pa.array(made, stamp),
            "frequency": pa.array(frequency, pa.int64()),
            "monetary": pa.array([1.5 * count for count in frequency], pa.float64()),
        }
    )
    (folder / "customer").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "customer" / f"{name}.parquet", coerce_timestamps="us")


def rows_of(asked: Sequence[tuple[str, datetime]]) -> pa.Table:
    """Rows to train on: who, when, and a label that has to stay beside them."""
    who, at = zip(*asked, strict=True)
    return pa.table(
        {
            "customer_id": pa.array(who),
            "event_timestamp": pa.array(at, pa.timestamp("us", "UTC")),
            "label": [*range(len(at))],
        }
    )


def at_once(folder: Path, rows: pa.Table) -> pd.DataFrame:
    """The whole join."""
    store = open_store(folder, "sqlite")
    apply(store)
    return training_set(store, rows.to_pandas(), ASKED)


def by_bucket(folder: Path, out: Path, rows: pa.Table, buckets: int = BUCKETS) -> pd.DataFrame:
    """The same in parts, the last bucket first."""
    split_rows(rows, out, buckets)
    for path in sorted((folder / "customer").glob("*.parquet")):
        split_table(path, out, buckets)
    for bucket in reversed(range(buckets)):
        join_bucket(out, bucket, buckets, ASKED)
    return gathered(out, buckets).to_pandas()


def known(joined: pd.DataFrame) -> list[int | None]:
    return [None if np.isnan(count) else int(count) for count in joined["frequency"].to_numpy(float)]


def test_in_every_trap_a_bucket_answers_as_the_whole(tmp_path: Path) -> None:
    """Ties, doubles, what expired, the future, what was made afterwards, who is unknown, and rows in no order."""
    people = [f"u{number}" for number in range(12)]
    assert len({bucket_of(who, BUCKETS) for who in people}) == BUCKETS
    told: list[Told] = []
    asked: list[tuple[str, datetime]] = []
    expected: list[int | None] = []

    def trap(who: str, rows: Sequence[tuple[float, float, int]], *questions: tuple[datetime, int | None]) -> None:
        told.extend((who, day(at), day(made), frequency) for at, made, frequency in rows)
        asked.extend((who, at) for at, _ in questions)
        expected.extend(answer for _, answer in questions)

    for number, who in enumerate(people):
        most = 100 * (number + 1)
        trap(
            who,
            [(10, 10, most), (10, 12, most + 1), (20, 20, most + 2), (30, 40, most + 3)],
            (day(9), None),  # only the future
            (day(10), most),  # at the very moment
            (day(11), most),  # the other row of that moment was made on day 12
            (day(13), most + 1),  # a tie: the one made later
            (day(13), most + 1),  # a double
            (day(35), most + 2),  # the row of day 30 was made on day 40
            (day(40), most + 3),
            (day(30) + TTL, most + 3),  # as old as a row may be
            (day(30) + TTL + SECOND, None),  # and a second more
        )
    asked += [("nobody", day(20)), ("", day(20))]
    expected += [None, None]
    order = np.random.default_rng(3).permutation(len(asked))
    table_of(tmp_path / "features", "first", told[::2])
    table_of(tmp_path / "features", "second", told[1::2])
    rows = rows_of([asked[place] for place in order])
    joined = by_bucket(tmp_path / "features", tmp_path / "parts", rows)
    assert known(joined) == [expected[place] for place in order]
    pd.testing.assert_frame_equal(joined, at_once(tmp_path / "features", rows), check_dtype=False)


@pytest.mark.parametrize("seed", [0, 1])
def test_drawn_at_random_it_is_what_was_known_then(seed: int, tmp_path: Path) -> None:
    """Against the definition, one row at a time: few moments, so that ties, late rows and overtaken ones abound."""
    rng = np.random.default_rng(seed)
    told: dict[tuple[str, datetime, datetime], int] = {}
    for number in range(400):
        at = int(rng.integers(0, 130))
        told[f"u{rng.integers(8)}", day(at), day(at + int(rng.choice([0, 0, 1, 5, 60])))] = number
    asked = [(f"u{rng.integers(10)}", day(int(rng.integers(0, 260)))) for _ in range(300)]
    expected: list[int | None] = []
    for who, when in asked:
        seen = [(at, made) for whose, at, made in told if whose == who and max(at, made) <= when <= at + TTL]
        expected.append(told[who, *max(seen)] if seen else None)
    assert sum(answer is None for answer in expected) > 30
    rows = [(*key, frequency) for key, frequency in told.items()]
    for part in range(3):
        table_of(tmp_path / "features", f"table {part}", rows[part::3])
    assert known(by_bucket(tmp_path / "features", tmp_path / "parts", rows_of(asked))) == expected


def test_rows_of_products_find_the_products(tmp_path: Path) -> None:
    history = history_of(tmp_path / "history", [bought(f"u{at}", at, f"o{at}", "milk") for at in range(1, 6)])
    build(history, NOBODY, tmp_path / "features", day(10))
    rows = rows_of([(f"u{number}", day(11)) for number in range(1, 6)])
    rows = rows.append_column("product_id", pa.array(["milk"] * 5))
    out = tmp_path / "parts"
    split_rows(rows, out, BUCKETS)
    for path in (tmp_path / "features" / "customer").glob("*.parquet"):
        split_table(path, out, BUCKETS)
    lend_products(tmp_path / "features", out, BUCKETS)
    lend_products(tmp_path / "features", out, BUCKETS)
    for bucket in range(BUCKETS):
        join_bucket(out, bucket, BUCKETS, ["customer:frequency", "product:orders_30d"])
    joined = gathered(out, BUCKETS).to_pandas()
    assert joined[["frequency", "orders_30d"]].to_numpy().tolist() == [[1, 5]] * 5


def shop_of(folder: Path) -> pa.Table:
    """One table of nine customers, and a row for each."""
    people = [f"u{number}" for number in range(9)]
    table_of(folder / "features", "only", [(who, day(1), day(1), place) for place, who in enumerate(people)])
    rows = rows_of([(who, day(2)) for who in people])
    split_rows(rows, folder / "parts", BUCKETS)
    split_table(folder / "features" / "customer" / "only.parquet", folder / "parts", BUCKETS)
    return rows


def test_a_row_of_another_bucket_is_named_rather_than_answered_with_nothing(tmp_path: Path) -> None:
    shop_of(tmp_path)
    with pytest.raises(ValueError, match=r"bucket 0 of 4: row \d+ of .*bucket=00/rows.parquet is of customer 'u\d'"):
        join_bucket(tmp_path / "parts", 0, 4, ASKED)


def test_a_join_that_loses_a_row_names_the_bucket_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop_of(tmp_path)

    def lossy(*_: object) -> pd.DataFrame:
        raise RuntimeError("a point-in-time join of 3 rows gave 2 other ones")

    monkeypatch.setattr(features.bucket_join, "training_set", lossy)
    with pytest.raises(RuntimeError, match=r"bucket 1 of 3, rows of .*bucket=01/rows.parquet: .* gave 2 other ones"):
        join_bucket(tmp_path / "parts", 1, BUCKETS, ASKED)
    assert not (bucket_folder(tmp_path / "parts", 1) / "joined.parquet").exists()


def test_what_is_missing_or_of_other_rows_is_not_gathered(tmp_path: Path) -> None:
    rows = shop_of(tmp_path)
    parts = tmp_path / "parts"
    for bucket in (0, 2):
        join_bucket(parts, bucket, BUCKETS, ASKED)
    with pytest.raises(RuntimeError, match=r"1 of 3 buckets are not joined yet, the first .*bucket=01"):
        gathered(parts, BUCKETS)
    join_bucket(parts, 1, BUCKETS, ASKED)
    assert known(gathered(parts, BUCKETS).to_pandas()) == list(range(9))
    split_rows(rows.slice(1), parts, BUCKETS)
    join_bucket(parts, 0, BUCKETS, ASKED)
    with pytest.raises(RuntimeError, match="joined from different rows"):
        gathered(parts, BUCKETS)


def test_a_bucket_without_rows_is_empty_and_a_row_of_nobody_refused(tmp_path: Path) -> None:
    rows = shop_of(tmp_path).slice(0, 1)
    joined = by_bucket(tmp_path / "features", tmp_path / "few", rows)
    assert known(joined) == [0]
    nobody = pa.table({"customer_id": pa.array(["u1", None]), "event_timestamp": rows["event_timestamp"].take([0, 0])})
    with pytest.raises(ValueError, match="row 1 has no customer_id"):
        split_rows(nobody, tmp_path / "none", BUCKETS)


def test_the_example_of_the_docs_answers_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    rows = shop_of(tmp_path)
    pq.write_table(rows, tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAIROS_FEATURE_DATA", str(tmp_path / "features"))
    exec(example, {})
    pd.testing.assert_frame_equal(
        pq.read_table("joined.parquet").to_pandas(), at_once(tmp_path / "features", rows), check_dtype=False
    )


@pytest.mark.parametrize("name", ["rows.parquet", "customer/only.parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    shop_of(tmp_path)
    broken = bucket_folder(tmp_path / "parts", 1) / name
    content = bytearray(broken.read_bytes())
    content[4:60] = bytes(56)
    broken.write_bytes(content)
    with pytest.raises(OSError, match=f"{broken} cannot be read .*; part the rows and the tables again"):
        join_bucket(tmp_path / "parts", 1, BUCKETS, ASKED)


def test_a_table_or_a_result_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    shop_of(tmp_path)
    parts = tmp_path / "parts"
    for bucket in range(BUCKETS):
        join_bucket(parts, bucket, BUCKETS, ASKED)
    (bucket_folder(parts, 2) / "joined.parquet").write_bytes(b"PAR1")
    with pytest.raises(OSError, match=r"bucket=02/joined.parquet cannot be read .*; join that bucket again"):
        gathered(parts, BUCKETS)
    table = tmp_path / "features" / "customer" / "only.parquet"
    table.write_bytes(b"PAR1")
    with pytest.raises(OSError, match=f"{table} cannot be read .*; build those features again"):
        split_table(table, parts, BUCKETS)

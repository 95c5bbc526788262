"""Parts of all customers give the list that one gives, and of two runs on a day the second does what is missing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log, microseconds, to_record
from features.person import Person
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from models.registry import Registry
from pipelines import due as verb
from pipelines import due_part
from pipelines.due import DueReport, Wanted, due
from pipelines.engine import BucketsFailed
from pipelines.settings import Settings
from serving.restock.due import Due
from tests.serving.restock.world import UNTIL, WEEKLY, order
from tests.serving.world import NOW, copy_world

SECRET = b"of this list"
LATER = NOW + timedelta(hours=3)


def stirred_shop(shop: Path, folder: Path) -> Path:
    """A copy of the shop with periodic buyers, after one of them and a newcomer ordered."""
    copy_world(shop, folder)
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    news = [order(WEEKLY[5], UNTIL + timedelta(minutes=1), "now", milk_b=2.0)]
    news += [
        order("a newcomer", UNTIL + timedelta(minutes=1, days=-7 * week), f"{week}", milk_b=2.0) for week in (1, 0)
    ]
    Log(engine, EVENTS).append([to_record(event) for event in news])
    engine.dispose()
    return folder


@pytest.fixture
def folder(restock_world: Path, tmp_path: Path) -> Path:
    return stirred_shop(restock_world, tmp_path / "shop")


def run(
    folder: Path,
    out: Path,
    wanted: Wanted = Wanted(least=0.0),  # noqa: B008 - frozen
    now: datetime = NOW,
    until: datetime | None = None,
    **changes: Any,
) -> DueReport:
    places: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'kairos.db'}",
        "mlflow_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "feature_data": folder / "features",
        "privacy_key": folder / "privacy.key",
    }
    settings = Settings(**places | changes)
    registry = Registry(settings.mlflow_uri)
    return due(settings, registry, out, wanted, "en", until, now, True, lambda _done, _of: None, SECRET)


def logged(folder: Path) -> list[tuple[str, str]]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    found = [(record.key, record.payload) for record in Log(engine, DECISIONS).read()]
    engine.dispose()
    return found


@pytest.mark.parametrize("limit", [None, 4])
def test_parts_change_no_bit_of_the_list(
    restock_world: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    whole = stirred_shop(restock_world, tmp_path / "whole")
    run(whole, tmp_path / "whole.parquet", Wanted(least=0.0, limit=limit))
    monkeypatch.setattr(verb, "CUSTOMERS_A_PART", 3)
    run(folder, tmp_path / "parts.parquet", Wanted(least=0.0, limit=limit))
    rows = pq.read_table(tmp_path / "whole.parquet").to_pylist()
    assert pq.read_table(tmp_path / "parts.parquet").to_pylist() == rows
    assert logged(folder) == logged(whole)
    assert [key for key, _ in logged(whole)] == [row["cart_id"] for row in rows]
    assert len({row["link_token"] for row in rows}) == len(rows)
    if limit is None:
        assert {"a newcomer", WEEKLY[5]} < {row["customer_id"] for row in rows}, "who did something is in some part"


def test_a_part_that_fails_is_named_and_a_rerun_of_the_day_does_only_that(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "CUSTOMERS_A_PART", 5)
    out, prepared, cart_for = tmp_path / "due.csv", list[str](), due_part.cart_for
    broken = [WEEKLY[0]]

    def watched(one: Due, *others: Any) -> Any:
        if one.person.customer_id in broken:
            raise ArithmeticError("no cart")
        prepared.append(one.person.customer_id)
        return cart_for(one, *others)

    monkeypatch.setattr(due_part, "cart_for", watched)
    with pytest.raises(
        BucketsFailed,
        match=rf"1 of 3 failed.*part \d: ArithmeticError: no cart \(customer {broken[0]} of .*scored-0000",
    ):
        run(folder, out)
    assert (out.exists(), logged(folder)) == (False, [])
    prepared[:], broken[:] = [], []
    report = run(folder, out, now=LATER)
    assert report.as_of == NOW
    assert sorted(prepared) == ["a newcomer", "weekly-0", "weekly-1", "weekly-10"], "those of the part that failed"
    assert len(logged(folder)) == report.customers
    assert run(folder, out, now=LATER).as_of == LATER, "what is done is not taken for what is asked again"


def broken_off(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> None:
    """A list of which the first part is missing."""

    def failing(one: Due, *_: Any) -> Any:
        raise ArithmeticError(one.person.customer_id)

    whole = due_part.prepare_part

    def some(export: Any, question: Any, part: int) -> None:
        with monkeypatch.context() as patch:
            if part == 0:
                patch.setattr(due_part, "cart_for", failing)
            whole(export, question, part)

    with monkeypatch.context() as patch:
        patch.setattr(verb, "CUSTOMERS_A_PART", 5)
        patch.setattr(verb, "prepare_part", some)
        with pytest.raises(BucketsFailed, match="1 of 3 failed"):
            run(folder, out, **asked)


def test_who_is_suppressed_while_others_are_prepared_is_in_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, gone = tmp_path / "due.parquet", WEEKLY[-1]
    broken_off(folder, out, monkeypatch)
    prepared = [
        path for path in folder.rglob("due-0000*.parquet") if gone in pq.read_table(path)["customer_id"].to_pylist()
    ]
    assert prepared, "who is suppressed has a cart already"
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    Suppressions(engine, secret_in(folder / "privacy.key")).add(Person(gone, (gone,), ()), NOW)
    engine.dispose()
    run(folder, out, now=LATER)
    rows = pq.read_table(out).to_pylist()
    assert gone not in {row["customer_id"] for row in rows}
    assert [row["cart_id"] for row in rows] == [key for key, _ in logged(folder)]


def test_rows_and_carts_are_matched_by_their_ids(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "due.parquet"
    broken_off(folder, out, monkeypatch)
    path = next(folder.rglob("shown-00001.parquet"))
    records = pq.read_table(path)
    pq.write_table(records.take(list(range(len(records) - 1, 0, -1))), path)
    run(folder, out)
    rows = pq.read_table(out).to_pylist()
    assert [row["cart_id"] for row in rows] == [key for key, _ in logged(folder)]
    assert records["key"][0].as_py() not in {row["cart_id"] for row in rows}, "a link that opens nothing"


@pytest.mark.parametrize("days", [0, 1])
def test_a_list_as_of_then_is_taken_up_on_its_day_alone_and_logged_as_of_now(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    then, later = NOW - timedelta(minutes=1), LATER + timedelta(days=days)
    broken_off(folder, tmp_path / "due.csv", monkeypatch, until=then)
    begun = next(folder.rglob("begun.json"))
    kept = begun.stat().st_mtime_ns
    monkeypatch.setattr(verb, "_gathered", lambda *_: pytest.fail("enough"))
    with pytest.raises(pytest.fail.Exception):
        run(folder, tmp_path / "due.csv", until=then, now=later)
    assert (begun.stat().st_mtime_ns == kept) == (days == 0)
    monkeypatch.undo()
    assert run(folder, tmp_path / "due.csv", until=then, now=later).as_of == then
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    records = list(Log(engine, DECISIONS).read())
    engine.dispose()
    assert {(one.occurred_at, one.received_at) for one in records} == {(microseconds(then), microseconds(later))}


def test_a_cluster_is_not_asked_to_read_a_file_of_sqlite(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ENGINE=127\.0\.0\.1:1 cannot read a file of SQLite"):
        run(folder, tmp_path / "due.csv", engine="127.0.0.1:1")
    assert not (tmp_path / "due.csv").exists()

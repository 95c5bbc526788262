"""Parts of all customers give the list that one gives, and of two runs on a day the second does what is missing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log, to_record
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


def run(folder: Path, out: Path, wanted: Wanted = Wanted(least=0.0), now: Any = NOW, **changes: Any) -> DueReport:  # noqa: B008 - frozen
    places: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'kairos.db'}",
        "mlflow_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "feature_data": folder / "features",
        "privacy_key": folder / "privacy.key",
    }
    settings = Settings(**places | changes)
    registry = Registry(settings.mlflow_uri)
    return due(settings, registry, out, wanted, "en", None, now, True, lambda _done, _of: None, SECRET)


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
        match=rf"1 of 3 failed.*bucket \d: ArithmeticError: no cart \(customer {broken[0]} of .*scored-0000",
    ):
        run(folder, out)
    assert (out.exists(), logged(folder)) == (False, [])
    prepared[:], broken[:] = [], []
    report = run(folder, out, now=LATER)
    assert report.as_of == NOW
    assert sorted(prepared) == ["a newcomer", "weekly-0", "weekly-1", "weekly-10"], "those of the part that failed"
    assert len(logged(folder)) == report.customers
    assert run(folder, out, now=LATER).as_of == LATER, "what is done is not taken for what is asked again"

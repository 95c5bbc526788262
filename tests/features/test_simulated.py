"""Made customers are told by their ids, and no model of the shop learns of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.compute import visible
from features.customer_segments import read_customers
from features.database import open_database
from features.events import Body, Event, Line
from features.history import compact
from features.identity import Identities
from features.log import EVENTS, Log, to_record
from features.privacy.personal import identities_to_learn_from
from features.simulated import PREFIX, is_made, made_ids
from tests.training.policy.planted import POINT, START, Planted, hours
from training.policy.dataset import Logs, history
from training.replenishment.lines import lines_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("ann", f"{PREFIX}1", "Simulated-2", "simulated", f"not-{PREFIX}3", f"{PREFIX}%")
MADE = {f"{PREFIX}1", f"{PREFIX}%"}


def bought(number: int, name: str) -> Event:
    at = NOW - timedelta(days=number + 1)
    body = Body(order_id=f"o{number}", lines=(Line(product_id="tea", quantity=1.0, price=Decimal(3)),))
    return Event(
        message_id=f"m{number}", type="order_completed", occurred_at=at, received_at=at, user_id=name, body=body
    )


def test_only_the_beginning_of_an_id_tells() -> None:
    engine = open_database("sqlite://")
    Log(engine, EVENTS).append([to_record(bought(number, name)) for number, name in enumerate(NAMES)])
    assert made_ids(engine) == MADE == set(filter(is_made, NAMES))


def test_whoever_trains_on_the_history_sees_real_customers_alone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    log = Log(engine, EVENTS)
    log.append([to_record(bought(number, name)) for number, name in enumerate(NAMES)])
    Identities(engine).catch_up(log)
    compact(log, tmp_path / "history", 1, lambda _: None)
    _, everybody = lines_of(tmp_path / "history", Identities(engine).table(), NOW)
    _, real = lines_of(tmp_path / "history", identities_to_learn_from(engine), NOW)
    assert set(everybody) == set(NAMES)
    assert set(real) == set(NAMES) - MADE
    with visible(tmp_path / "history", identities_to_learn_from(engine), NOW) as seen:
        assert set(seen.purchases()["customer_id"].to_pylist()) == set(NAMES) - MADE


@pytest.mark.parametrize(("made", "learned"), [(True, 4), (False, 2)])
def test_a_policy_learns_of_made_customers_only_where_that_is_asked_for(made: bool, learned: int) -> None:
    shop = Planted()
    for number, name in enumerate(("ann", f"{PREFIX}1", "bob", f"{PREFIX}2")):
        shop.decided(f"d{number}", name, START + hours(number))
    logs = Logs(shop.logs.events, shop.logs.decisions, shop.logs.identities, made)
    found = history(logs, [POINT], START + timedelta(days=30))
    assert len(found) == learned
    assert np.array_equal(found.journal.positions, [1, 2, 3, 4] if made else [1, 3])


def test_segments_are_of_real_customers(tmp_path: Path) -> None:
    columns = {"recency_days": 1.0, "frequency": 2, "monetary": 3.0}
    table = pa.table({"customer_id": list(NAMES), **{name: [value] * len(NAMES) for name, value in columns.items()}})
    pq.write_table(table, tmp_path / "customer.parquet")
    assert set(read_customers(tmp_path / "customer.parquet").customer_ids) == set(NAMES) - MADE

"""The benchmark counts the lines that its protocol names, and says what is owed and whether it is met."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.restock import Owed, claims, complete_journey, sit
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.groups import Groups
from tests.training.restock import catalogue, lines
from training.replenishment.exam import APART


def folder(path: Path) -> Path:
    """Milk twice on one day and once on another, and what does not count."""
    sold = [(1, 10, 1, 2.0, 1), (1, 11, 2, 2.0, 1), (1, 10, 1, 1.0, 5), (1, 12, 1, 9.0, 5), (1, 10, 0, 0.0, 6)]
    rows = [
        {
            "household_id": who,
            "product_id": what,
            "quantity": quantity,
            "sales_value": paid,
            "transaction_timestamp": pd.Timestamp(f"2017-01-0{day}T18:00:00"),
        }
        for who, what, quantity, paid, day in sold
    ]
    products = [(10, "GROCERY", "MILK", "WHOLE"), (11, "GROCERY", "MILK", "WHOLE"), (12, "FUEL", "FUEL", "UNLEADED")]
    columns = ["product_id", "department", "product_category", "product_type"]
    pd.DataFrame(rows).to_parquet(path / "transactions.parquet")
    pd.DataFrame(products, columns=columns).to_parquet(path / "products.parquet")
    return path


def test_lines_that_count(tmp_path: Path) -> None:
    groups = complete_journey(folder(tmp_path))
    assert groups.unit_ids.tolist() == ["MILK|WHOLE"]
    assert groups.parent_ids.tolist() == ["GROCERY"]
    assert (groups.days - 17_167).tolist() == [0, 4]
    assert groups.packs.tolist() == [3.0, 1.0]
    assert groups.prices[1] == pytest.approx(1.0 / 1.5)
    products = complete_journey(tmp_path, "product")
    assert products.unit_ids.tolist() == ["10", "11"]
    assert products.parent_ids.tolist() == ["MILK|WHOLE"]
    assert len(products.days) == 3


def test_what_is_owed_is_told_from_both_sides() -> None:
    true = lines()
    purchases = true.by_group(Groups.of(catalogue(), true))
    last = true.day - 84
    sitting = sit(purchases, (last - APART, last), range(last - 120, last - APART - 1, 14), {"bg_nbd": BGNBD()})
    owed = [
        Owed("rmae", 84.0, 0.0),
        Owed("rmae", 0.0),
        Owed("concordance", 0.3),
        Owed("concordance", 1.0),
        Owed("ece 14", 1.0),
        Owed("date mae", 84.0, None, "8+"),
        Owed("skill 14"),
    ]
    found = claims(sitting, owed, "a test", "none", np.random.default_rng(0), "bg_nbd")
    assert [claim.met for claim in found] == [True, False, True, False, True, True, None]
    assert found[0].must == "<= 84"
    assert found[2].must == ">= 0.3"
    assert found[5].measure == "date mae, 8+ purchases known"
    assert found[0].interval is not None
    assert found[0].interval[0] < found[0].ours < found[0].interval[1]
    assert found[4].interval is None
    assert set(found[0].baselines) == {"constant", "mean interval", "log-normal", "Weibull", "BG/NBD"}
    assert found[0].baselines["BG/NBD"] == pytest.approx(found[0].ours)

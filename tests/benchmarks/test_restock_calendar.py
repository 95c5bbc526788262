"""The benchmark of the calendar counts what happened to forecast pairs alone, and sums as the calendar does."""

import numpy as np
import pytest

from benchmarks.restock_calendar import OURS, happened, methods
from features.purchases import last_day
from models.time_to_event.purchases import Purchases
from tests.training.reports.test_restock_days import AS_OF, table
from training.reports.restock_days import DAYS, due_days


def test_happened_is_the_first_purchase_of_each_forecast_pair_and_its_packs() -> None:
    due, day = table([[0.1, 0.1], [0.1]]), last_day(AS_OF)
    due = type(due)(AS_OF, 1, np.array(["000000", "000001"], object), due.starts, due.columns)
    rows = [(0, 0, -1, 1.0), (0, 0, 3, 2.0), (0, 0, 20, 4.0), (0, 1, 3, 8.0), (1, 2, 30, 16.0), (1, 0, 3, 32.0)]
    who, what, when, packs = (np.array(column) for column in zip(*rows, strict=True))
    bought = Purchases.of(
        who.astype(np.int32),
        what.astype(np.int32),
        (day + when).astype(np.int32),
        packs.astype(np.float64),
        np.ones(len(rows)),
        np.array(["food/0", "food/1", "food/2"], object),
        np.zeros(3, np.int32),
        np.array(["food"], object),
        2,
        day + 60,
    )
    found = happened(due, bought, day)
    assert len(found.customers) == DAYS
    assert {place + 1: count for place, count in enumerate(found.customers.tolist()) if count} == {3: 1.0, 30: 1.0}
    assert found.packs == {"food/0": 6.0, "food/1": 8.0}, "neither who has no forecast of it nor what comes too late"


def test_the_method_called_ours_is_the_calendar() -> None:
    due = table([[0.05, 0.1, 0.02], [0.2], [0.01, 0.3]], every=5.0)
    found = methods(due)
    assert found[OURS].tolist() == pytest.approx([one.customers.mean for one in due_days(due)], abs=1e-3)
    assert (found["likeliest need"] <= found["independent needs"] + 1e-9).all()
    assert (found[OURS] <= found["renewal, orders all of one size"] + 1e-9).all()

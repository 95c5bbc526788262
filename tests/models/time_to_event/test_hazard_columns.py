"""Columns say the same about a calendar day whenever one asks, but for those that may only lower a hazard."""

import numpy as np
import pytest

from models.time_to_event.hazard_columns import COLUMNS, FALLING, OWN, matrix
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.pieces import Cells, Pieces
from models.time_to_event.purchases import Purchases
from models.time_to_event.unit_facts import FACTS
from tests.models.time_to_event.world import START, bought_by

CELLS = Cells.between([4, 10, 20, 36])
BOUGHT = bought_by(
    np.zeros(5, np.int32),
    np.array([0, 0, 0, 0, 1], np.int32),
    np.array([0, 6, 14, 30, 33], np.int32) + np.int32(START),
    2,
    1,
    1,
    START + 40,
)


def columns(wait: int) -> dict[tuple[int, int], dict[str, float]]:
    """Of each pair and cell, asked `wait` days after the last trip."""
    day = START + 33 + wait
    pairs = pairs_at(known(day), day, Watch(1, 1_000))
    pieces = Pieces.of(pairs.columns["quiet"], 84.0, CELLS)
    facts = np.arange(2 * len(FACTS), dtype=np.float32).reshape(2, -1)
    rows = matrix(pairs, facts, pieces, CELLS).tolist()
    places = zip(pieces.rows.tolist(), pieces.cells.tolist(), strict=True)
    return {place: dict(zip(COLUMNS, row, strict=True)) for place, row in zip(places, rows, strict=True)}


def known(day: int) -> Purchases:
    return bought_by(BOUGHT.customers, BOUGHT.units, BOUGHT.days, 2, 1, 1, day)


def test_the_age_of_a_cell_counts_from_the_pairs_last_purchase() -> None:
    """The last trip was three days after it; intervals were 6, 8 and 16 days, trips 6, 8, 16 and 3 days apart."""
    row = columns(2)[0, 1]
    assert row["cell"] == 7.0
    assert row["age"] == 10.0
    assert row["age_by_mean"] == pytest.approx(1.0)
    assert row["age_by_median"] == pytest.approx(10 / 8)
    assert row["age_by_last"] == row["age_by_longest"] == pytest.approx(10 / 16)
    assert row["age_by_trips"] == pytest.approx(7 / 8.25)
    assert row["unit_score"] == pytest.approx(np.log(10.0) - FACTS.index("usual_log_interval"))


@pytest.mark.parametrize("wait", [1, 5, 30, 80])
def test_asked_later_a_cell_is_described_the_same(wait: int) -> None:
    now, later = columns(0), columns(wait)
    assert set(now) & set(later)
    for place in set(now) & set(later):
        for name, falls in zip(COLUMNS, FALLING, strict=True):
            moved = now[place][name] + (wait if falls else 0)
            assert later[place][name] == pytest.approx(moved, nan_ok=True), name


def test_each_pair_carries_its_own_units_facts() -> None:
    found = columns(0)
    for pair, shift in ((0, 0), (1, len(FACTS))):
        assert [found[pair, 0][name] for name in FACTS] == [place + shift for place in range(len(FACTS))]
    assert len(COLUMNS) == len(set(COLUMNS)) == len(OWN) + len(FACTS) + 9

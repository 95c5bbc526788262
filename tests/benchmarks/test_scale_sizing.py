"""What a shop needs follows from the figures, and what was not measured is marked."""

import json
from dataclasses import replace

import pytest

from benchmarks.claim import ROOT
from benchmarks.scale import MILLION, SIZES
from benchmarks.scale_report import Cell, claims
from benchmarks.scale_sizing import NIGHTLY, PEAK, SHOPS, WEEKLY, Priced, cells_of, costs, need, table

SERVED = {"event": 0.0005, "recommendation": 0.002}


def figures(exponent: float = 1.0, most: int = 100 * MILLION) -> list[Cell]:
    """Each step takes a second a million events; a history has 30 bytes an event, a log 300."""
    sizes = [size for size in SIZES if size <= most]
    cells = [
        Cell(step, size, 0, "abc", (size / MILLION) ** exponent, 1.0)
        for step in {*NIGHTLY, *WEEKLY, "compaction"}
        for size in sizes
    ]
    for step, each in (("history", 30.0), ("log", 300.0)):
        cells += [Cell(step, size, 0, "abc", 1.0, 1.0, {"bytes": each * size, "events": size}) for size in sizes]
    return cells


def test_figures_are_read_back_as_they_were_written() -> None:
    cells = figures()
    rows = [json.loads(json.dumps(vars(claim))) for claim in claims(cells)]
    found = {(cell.step, cell.size): (cell.seconds, cell.gigabytes, cell.done) for cell in cells_of(rows)}
    assert found == {(cell.step, cell.size): (cell.seconds, cell.gigabytes, cell.done) for cell in cells}


def test_a_night_is_the_sum_of_its_steps_over_the_whole_history() -> None:
    found = need(MILLION, figures(), SERVED)
    assert found.nightly is not None
    assert found.weekly is not None
    assert found.nightly.amount == pytest.approx(12 * len(NIGHTLY) + 1 / 30)
    assert found.weekly.amount == pytest.approx(12 * len(WEEKLY))
    assert found.history_gigabytes == pytest.approx(0.36)
    assert found.log_gigabytes == pytest.approx(3.6)
    assert found.rate == pytest.approx(PEAK * 1e6 / 2_592_000)
    assert found.service_cores == pytest.approx(found.rate * (0.0005 + 0.25 * 0.002) / 0.5)


def test_more_than_what_was_measured_is_marked_and_grows_by_the_exponent() -> None:
    small, large = (need(events, figures(1.1), SERVED) for events in (MILLION, 1_000 * MILLION))
    assert small.nightly is not None
    assert large.nightly is not None
    assert small.weekly is not None
    assert large.weekly is not None
    assert small.nightly.measured
    assert not large.nightly.measured
    assert large.weekly.amount / small.weekly.amount == pytest.approx(1_000**1.1, rel=1e-3)
    rows = table([small, large]).splitlines()
    assert "~" not in rows[2]
    assert rows[3].count("~") == 3


def test_what_serving_measured_is_found() -> None:
    found = costs(json.loads((ROOT / "results" / "serving.json").read_text()))
    assert all(0 < each < 1 for each in found.values())
    assert len(SHOPS) == len({need(events, figures(), found).rate for events in SHOPS})


def test_a_step_of_one_size_is_foreseen_linearly_and_without_one_nothing_is_summed() -> None:
    cells = figures(1.1, most=MILLION)
    whole = need(MILLION, cells, SERVED)
    assert whole.nightly is not None
    assert whole.nightly.amount == pytest.approx(12 * len(NIGHTLY) + 1 / 30)
    part = need(MILLION, [cell for cell in cells if cell.step not in {"restock score", "log"}], SERVED)
    assert (part.nightly, part.log_gigabytes, part.weekly) == (None, None, whole.weekly)
    assert (part.memory, part.machines) == (None, "?")
    assert table([part]).count("?") == 5


def test_memory_is_that_of_the_next_larger_cell_and_linear_beyond_the_largest() -> None:
    cells = [replace(cell, gigabytes=0.5 + cell.size / (10 * MILLION)) for cell in figures()]
    small, middle, large, huge = (need(events, cells, SERVED) for events in SHOPS)
    assert [each.memory for each in (small, large)] == [Priced(3.5, True), Priced(pytest.approx(120.5), False)]
    assert small.machines == "2 of 2 cores and 8 GB; 1 of 2 cores and 8 GB"
    assert middle.machines.endswith("1 of 2 cores and 16 GB")
    assert large.machines.endswith("1 of 16 cores and 128 GB")
    assert huge.machines.endswith("1 of 64 cores and 512 GB, a history of 156 days")

"""What growth says is what was measured: the slope is found, what is foreseen is marked so, a miss is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale import MILLION, SIZES, STEPS, missing, wanted
from benchmarks.scale_report import SHOWN, Cell, Growth, claims, plot, text
from benchmarks.scale_steps import buckets_for


def cells(step: str, seconds_of_million: float, exponent: float, most: int, gigabytes: float = 1.0) -> list[Cell]:
    """Measured to lie on a line."""
    return [
        Cell(step, size, 0, "abc", seconds_of_million * (size / MILLION) ** exponent, gigabytes)
        for size in SIZES
        if size <= most
    ]


@given(st.floats(0.5, 2), st.floats(1e-9, 1e-3))
def test_the_exponent_of_a_power_is_found(exponent: float, each: float) -> None:
    sizes = [MILLION, 3 * MILLION, 10 * MILLION, 100 * MILLION]
    growth = Growth.of(sizes, [each * size**exponent for size in sizes])
    assert growth.exponent == pytest.approx(exponent, abs=1e-5)


def test_nothing_is_foreseen_to_grow_slower_than_linearly() -> None:
    sizes = [MILLION, 3 * MILLION, 10 * MILLION]
    slow, fast = (Growth.of(sizes, [(size / MILLION) ** exponent for size in sizes]) for exponent in (0.5, 1.2))
    assert slow.seconds(100 * MILLION) == pytest.approx(10 * 10**0.5)
    assert fast.seconds(100 * MILLION) == pytest.approx(100**1.2)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    sizes = [MILLION, MILLION, MILLION, 3 * MILLION, 10 * MILLION]
    held = 0
    for _ in range(400):
        growth = Growth.of(sizes, [size**1.05 * np.exp(rng.normal(0, 0.1)) for size in sizes])
        held += growth.interval[0] <= 1.05 <= growth.interval[1]
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize("sizes", [[MILLION, 10 * MILLION], [MILLION, MILLION, 3 * MILLION]])
def test_two_points_or_half_a_decade_are_no_growth(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="three points over a decade"):
        Growth.of(sizes, [1.0] * len(sizes))


def test_what_is_foreseen_stands_in_brackets_and_what_failed_is_told() -> None:
    made = [*cells("als", 2, 1, 10 * MILLION), Cell("als", 30 * MILLION, 0, "abc", failed="no memory")]
    row = next(line for line in text(made).splitlines() if line.startswith("| als"))
    assert "| 2.0 | 1.0 | 20.0 | 1.0 | (200) |" in row
    assert "als, 30 M, seed 0: no memory." in text(made)


def test_growth_above_the_limit_is_not_met_and_seconds_that_were_not_measured_are_named_so() -> None:
    made = [*cells("als", 2, 1.3, 10 * MILLION), *cells("all features", 3, 1, 30 * MILLION)]
    told = {claim.measure: claim for claim in claims(made)}
    assert not told["exponent of growth, als"].met
    assert told["exponent of growth, all features"].met
    features = told["CPU-seconds of all features, 100 M events"]
    assert "extrapolated" in features.data
    assert not features.met
    assert features.ours == pytest.approx(300)
    assert "GB at the peak of all features, 100 M events" not in told
    json.dumps([vars(claim) for claim in told.values()], allow_nan=False)


def test_an_exponent_whose_interval_holds_the_limit_is_neither_met_nor_silent() -> None:
    seconds = ((MILLION, 2.0), (3 * MILLION, 5.0), (10 * MILLION, 21.0))
    made = [Cell("join", size, 3, "abc", each, 1.0) for size, each in seconds]
    told = {claim.measure: claim for claim in claims(made)}["exponent of growth, join"]
    assert told.ours < 1.1 < (told.interval or (0, 0))[1]
    assert not told.met
    assert told.seeds == (3,)
    assert "do not show for: join" in text(made)
    assert "do not show" not in text(cells("als", 2, 1, 10 * MILLION))


def test_memory_that_was_measured_is_judged() -> None:
    made = cells("all features", 2, 1, 100 * MILLION, gigabytes=4.5)
    told = {claim.measure: claim for claim in claims(made)}
    assert told["CPU-seconds of all features, 100 M events"].met
    assert not told["GB at the peak of all features, 100 M events"].met


def test_the_plot_has_a_line_a_step(tmp_path: Path) -> None:
    plot([*cells("als", 2, 1, 10 * MILLION), *cells("hazard", 1, 1, 10 * MILLION)], tmp_path / "scale.svg")
    drawn = (tmp_path / "scale.svg").read_text()
    assert "als" in drawn
    assert "hazard" in drawn


def test_a_step_comes_after_what_it_needs() -> None:
    assert wanted(["restock score"], MILLION) == ["hazard", "restock score"]
    assert wanted(["compaction"], MILLION) == ["history", "log", "compaction"]
    assert wanted(["join"], 100 * MILLION) == []
    order = list(STEPS)
    assert all(order.index(need) < order.index(name) for name, step in STEPS.items() for need in step.needs)
    assert all(size in SIZES for size in SHOWN)


def test_buckets_are_never_larger_than_four_million_events() -> None:
    assert all(size / buckets_for(size) <= 4 * MILLION for size in (*SIZES, 10**9))


def test_every_cell_is_a_figure_that_owes_nothing_and_seeds_are_one_row() -> None:
    made = [Cell("als", MILLION, seed, "abc", seconds, 1.0, {"lines": 5.0}) for seed, seconds in ((0, 2.0), (1, 4.0))]
    made.append(Cell("history", MILLION, 0, "abc", 9.0, 1.0, {"bytes": 7.0}))
    told = {claim.measure: claim for claim in claims(made)}
    assert told["CPU-seconds, als"].ours == 3
    assert told["CPU-seconds, als"].seeds == (0, 1)
    assert (told["CPU-seconds, als"].must, told["CPU-seconds, als"].met) == (None, None)
    assert told["CPU-seconds, history"].baselines["bytes"] == 7


def test_steps_of_another_machine_are_told_with_it() -> None:
    made = [*cells("als", 2, 1, MILLION), Cell("hazard", MILLION, 0, "abc", 3.0, 1.0, machine="8 cores, old")]
    assert f"{made[0].machine}: als. 8 cores, old: hazard." in text(made)
    assert {claim.measure: claim for claim in claims(made)}["CPU-seconds, hazard"].machine == "8 cores, old"
    assert ": als" not in text(made[:1])


def test_a_rerun_does_what_is_missing_and_makes_anew_what_that_needs_where_the_folder_is_gone() -> None:
    known = {"history", "all features", "hazard"}
    assert missing(["recommend", "restock score"], MILLION, known, there=True) == ["restock score", "recommend"]
    assert missing(["recommend"], MILLION, known, there=False) == ["history", "all features", "recommend"]
    assert missing(["all features"], MILLION, known, there=False) == []

"""Pieces cover the follow-up, each once, and curves come out as the hazards went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.pieces import Cells, Pieces

CELLS = Cells.between([4, 10, 20, 60])
QUIET = st.lists(st.integers(0, 300), min_size=1, max_size=6)


@given(QUIET, st.integers(1, 200))
def test_pieces_cover_the_follow_up_once(quiet: list[int], follow: int) -> None:
    pieces = Pieces.of(np.array(quiet, np.float64), float(follow), CELLS)
    assert np.bincount(pieces.rows, pieces.days, len(quiet)).tolist() == [follow] * len(quiet)
    assert len({*zip(pieces.rows, pieces.cells, strict=True)}) == len(pieces)
    for row, cell, days in zip(pieces.rows, pieces.cells, pieces.days, strict=True):
        start, end = max(quiet[row], CELLS.starts[cell]), min(quiet[row] + follow, CELLS.ends[cell])
        assert days == end - start


@given(QUIET, st.integers(1, 200))
def test_an_event_is_counted_in_the_cell_that_holds_its_day(quiet: list[int], follow: int) -> None:
    at = np.array(quiet, np.float64)
    ended = np.arange(len(quiet)) % 2 == 0
    pieces = Pieces.of(at, float(follow), CELLS)
    events = pieces.ending_in(ended)
    assert pieces.rows[events].tolist() == np.flatnonzero(ended).tolist()
    assert pieces.cells[events].tolist() == CELLS.of(at + follow)[ended].tolist()


def test_a_constant_hazard_gives_an_exponential_curve() -> None:
    quiet, horizons = np.array([0.0, 3.0, 59.0, 400.0]), np.array([0.0, 0.5, 7.0, 84.0])
    pieces = Pieces.of(quiet, 84.0, CELLS)
    curves = pieces.survival(np.full(len(pieces), 0.03), quiet, horizons, CELLS)
    assert curves == pytest.approx(np.exp(-0.03 * horizons)[None, :].repeat(4, axis=0))


@given(st.integers(0, 80), st.integers(1, 80), st.lists(st.floats(0, 0.5), min_size=5, max_size=5))
def test_asked_later_the_rest_of_the_curve_is_the_same(quiet: int, later: int, hazards: list[float]) -> None:
    """One curve in calendar time, whenever one asks: the ratio of what is left to what has passed."""
    rate = np.array(hazards)

    def curve(since: int, horizons: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        at = np.array([float(since)])
        pieces = Pieces.of(at, 200.0, CELLS)
        return list(pieces.survival(rate[pieces.cells], at, horizons, CELLS)[0])

    days = np.arange(0.0, 100.0, 7.0)
    (passed,) = curve(quiet, np.array([float(later)]))
    assert np.multiply(curve(quiet + later, days), passed) == pytest.approx(curve(quiet, later + days), rel=1e-9)


def test_the_cells_of_one_edge_and_of_none() -> None:
    assert Cells.between([]).of(np.array([0.0, 99.0])).tolist() == [0, 0]
    assert Cells.between([5]).of(np.array([0.0, 5.0, 5.1])).tolist() == [0, 0, 1]
    assert np.isfinite(Cells.between([]).middles).all()
    assert Cells.between([5, 9]).middles.tolist() == [2.5, 7.0, 11.0]

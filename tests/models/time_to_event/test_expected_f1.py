"""The best size of a set, against counting every outcome."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.time_to_event.expected_f1 import best_sizes, worths


def counted(probabilities: list[float], size: int, wrong: int) -> float:
    """What the first `size` are worth, over all outcomes."""
    total = 0.0
    for outcome in product((0, 1), repeat=len(probabilities)):
        chance = np.prod([p if wanted else 1 - p for p, wanted in zip(probabilities, outcome, strict=True)])
        right, wanted = sum(outcome[:size]), sum(outcome)
        nothing = size == 0 and wanted == 0
        total += chance * (1.0 if nothing else (wrong + 1) * right / max(wrong * size + wanted, 1))
    return float(total)


CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=6).map(lambda found: sorted(found, reverse=True))


@settings(deadline=None)
@given(CHANCES, st.integers(1, 4))
def test_worth_is_the_expectation_over_all_outcomes(probabilities: list[float], wrong: int) -> None:
    found = worths(np.array([probabilities]), np.zeros(1), len(probabilities), wrong)[0]
    truth = [counted(probabilities, size, wrong) for size in range(len(probabilities) + 1)]
    assert found == pytest.approx(truth, abs=1e-9)


@settings(deadline=None)
@given(CHANCES, st.integers(1, 4), st.floats(0, 1))
def test_who_may_not_come_wants_all_of_it_or_nothing(probabilities: list[float], wrong: int, away: float) -> None:
    """Two worlds: in one nobody comes, in the other wants are independent and so much likelier."""
    away = min(away, 1 - probabilities[0], 0.999)
    found = worths(np.array([probabilities]), np.zeros(1), len(probabilities), wrong, np.array([away]))[0]
    likelier = [min(p / (1 - away), 1.0) for p in probabilities]
    for size, worth in enumerate(found):
        assert worth == pytest.approx((1 - away) * counted(likelier, size, wrong) + away * (size == 0), abs=1e-9)


def test_a_purchase_that_is_likelier_than_coming_is_believed() -> None:
    found = worths(np.array([[0.8, 0.5]]), np.zeros(1), 2, 1, np.array([0.9]))
    assert found == pytest.approx(worths(np.array([[0.8, 0.5]]), np.zeros(1), 2, 1, np.array([0.2])))
    assert np.isfinite(worths(np.zeros((1, 2)), np.zeros(1), 2, 1, np.ones(1))).all()


@settings(deadline=None)
@given(st.lists(CHANCES, min_size=1, max_size=5), st.integers(0, 6))
def test_a_batch_is_answered_as_one_by_one_and_padding_changes_nothing(rows: list[list[float]], most: int) -> None:
    wide = np.zeros((len(rows), 8))
    for row, chances in zip(wide, rows, strict=True):
        row[: len(chances)] = chances
    batch = worths(wide, np.zeros(len(rows)), most)
    for row, chances in zip(batch, rows, strict=True):
        alone = worths(np.array([chances]), np.zeros(1), most)[0]
        assert row[: len(alone)] == pytest.approx(alone, abs=1e-9)
        assert (row[len(alone) :] <= alone.max() + 1e-9).all()
    assert (best_sizes(wide, np.zeros(len(rows)), most) <= most).all()


def test_nothing_is_a_set_when_nothing_is_likely_to_be_wanted() -> None:
    assert best_sizes(np.array([[0.1, 0.1]]), np.zeros(1), 5).tolist() == [0]
    assert best_sizes(np.array([[0.1, 0.1]]), np.array([5.0]), 5).tolist() == [2]
    assert best_sizes(np.zeros((1, 3)), np.zeros(1), 5).tolist() == [0]
    assert best_sizes(np.ones((1, 3)), np.zeros(1), 5).tolist() == [3]
    assert best_sizes(np.zeros((0, 3)), np.zeros(0), 5).tolist() == []


def test_the_dearer_a_wrong_thing_the_smaller_the_set() -> None:
    chances = np.linspace(0.95, 0.05, 19)[None, :]
    sizes = [int(best_sizes(chances, np.zeros(1), 19, wrong)[0]) for wrong in (1, 2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1] > 0


def test_a_size_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        best_sizes(np.ones((1, 1)), np.zeros(1), -1)

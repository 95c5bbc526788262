"""Trees are values: the same data give the same text, and the text gives the same scores."""

import numpy as np
import pytest

from models.booster import Booster, Trees

RNG = np.random.default_rng(0)
ROWS = RNG.random((600, 5)).astype(np.float32)
WANTED = ROWS[:, 0] + 0.1 * RNG.random(600) > 0.6
SMALL = Trees(count=10, leaves=7, smallest_leaf=10)
FREE = [False] * 5


def test_it_learns_and_the_text_is_all_there_is() -> None:
    booster = SMALL.grown(ROWS, WANTED)
    scores = booster.scores(ROWS)
    assert scores[WANTED].mean() > scores[~WANTED].mean() + 1
    assert np.array_equal(Booster(booster.text).scores(ROWS), scores)


def test_equal_data_give_equal_text() -> None:
    assert np.array_equal(SMALL.grown(ROWS, WANTED).text, SMALL.grown(ROWS.copy(), WANTED).text)


def test_a_batch_scores_as_its_rows_one_by_one() -> None:
    booster = SMALL.grown(ROWS, WANTED)
    assert np.array_equal(booster.scores(ROWS[:40]), [booster.scores(ROWS[row : row + 1])[0] for row in range(40)])


def test_rates_are_factors_on_the_exposure() -> None:
    """Half of the rows see events twice as often as exposure alone would say, the others half as often."""
    rng = np.random.default_rng(1)
    rows = rng.random((40_000, 2)).astype(np.float32)
    exposure = rng.uniform(0.01, 0.3, len(rows))
    factor = np.where(rows[:, 0] > 0.5, 2.0, 0.5)
    events = rng.random(len(rows)) < factor * exposure
    trees = Trees(count=100, leaves=4, learning_rate=0.1, column_share=1.0)
    found = np.exp(trees.grown_rates(rows, events, exposure, [False, False]).scores(rows))
    assert found[rows[:, 0] > 0.55].mean() == pytest.approx(2.0, rel=0.1)
    assert found[rows[:, 0] < 0.45].mean() == pytest.approx(0.5, rel=0.1)


def test_a_falling_column_never_raises_a_score() -> None:
    exposure = np.full(len(ROWS), 0.5)
    steps = np.repeat(ROWS[:50], 20, axis=0)
    steps[:, 0] = np.tile(np.linspace(0, 1, 20), 50)
    for falling, rises in ((FREE, True), ([True, *FREE[1:]], False)):
        scores = SMALL.grown_rates(ROWS, WANTED, exposure, falling).scores(steps).reshape(50, 20)
        assert (np.diff(scores, axis=1) > 1e-9).any() == rises

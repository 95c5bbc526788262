"""Trees are values: the same data give the same text, and the text gives the same scores."""

import numpy as np

from models.recommenders.booster import Booster, Trees

RNG = np.random.default_rng(0)
ROWS = RNG.random((600, 5)).astype(np.float32)
WANTED = ROWS[:, 0] + 0.1 * RNG.random(600) > 0.6
SMALL = Trees(count=10, leaves=7, smallest_leaf=10)


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

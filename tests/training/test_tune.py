"""The search finds what is plainly better, repeats itself, and tries nothing twice."""

from pathlib import Path

import numpy as np

from models.recommenders.rp3beta import RP3Beta
from tests.training.shop import exam_of, records
from training.tune import Choices, Trial, search


def test_it_finds_the_better_recipe_and_repeats_itself(tmp_path: Path) -> None:
    prepared = exam_of(tmp_path, records())
    hopeless = RP3Beta(neighbours=1, repeat=0.0)
    choices: Choices = {"neighbours": [1, 50], "repeat": [0.0, 3.0]}
    heard: list[Trial] = []
    first = search(hopeless, choices, prepared, 12, np.random.default_rng(0), heard.append)
    again = search(hopeless, choices, prepared, 12, np.random.default_rng(0))
    assert [trial.recipe for trial in first] == [trial.recipe for trial in again]
    assert len({trial.recipe for trial in first}) == len(first) == len(heard) <= 4
    assert [trial.score for trial in first] == sorted((trial.score for trial in first), reverse=True)
    assert first[0].recipe != hopeless
    assert any(trial.recipe == hopeless for trial in first)

"""The search finds what is plainly better, repeats itself, tries nothing twice, and keeps to its budget."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from models.recommenders.rp3beta import RP3Beta
from tests.training.shop import exam_of, records
from training.dataset import Exam
from training.tune import Space, Trial, search

HOPELESS = RP3Beta(neighbours=1, repeat=0.0)
SPACE: Space = {"neighbours": CategoricalDistribution([1, 50]), "repeat": CategoricalDistribution([0.0, 3.0])}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    return exam_of(tmp_path_factory.mktemp("exam"), records())


def test_it_finds_the_better_recipe_and_repeats_itself(prepared: Exam) -> None:
    heard: list[Trial] = []
    first = search(HOPELESS, SPACE, prepared, 12, 0, heard.append)
    again = search(HOPELESS, SPACE, prepared, 12, 0)
    assert [trial.recipe for trial in first] == [trial.recipe for trial in again]
    assert len({trial.recipe for trial in first}) == len(first) == len(heard) <= 4
    assert [trial.score for trial in first] == sorted((trial.score for trial in first), reverse=True)
    assert first[0].recipe != HOPELESS
    assert heard[0].recipe == HOPELESS, "the first trial is the recipe as it is"


def test_another_seed_looks_elsewhere_within_the_space_and_the_budget(prepared: Exam) -> None:
    space: Space = {"neighbours": IntDistribution(5, 60), "repeat": FloatDistribution(0.5, 8.0)}
    one, other = (
        {trial.recipe for trial in search(RP3Beta(neighbours=9), space, prepared, 4, seed)} for seed in (1, 2)
    )
    assert len(one) == len(other) == 4
    assert one & other == {RP3Beta(neighbours=9)}
    drawn = [recipe for recipe in one | other if recipe != RP3Beta(neighbours=9)]
    assert all(5 <= recipe.neighbours <= 60 and 0.5 <= recipe.repeat <= 8.0 for recipe in drawn)  # type: ignore[attr-defined]


def test_a_parameter_that_is_not_there_and_an_empty_budget_are_refused(prepared: Exam) -> None:
    with pytest.raises(ValueError, match="rp3beta has no colour; it has alpha, beta"):
        search(RP3Beta(), {"colour": FloatDistribution(0, 1)}, prepared, 2, 0)
    with pytest.raises(ValueError, match="0 trials try nothing"):
        search(RP3Beta(), SPACE, prepared, 0, 0)

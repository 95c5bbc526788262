"""Every model is filed under its name, and comes back from JSON as it was."""

import pytest

from models.time_to_event.base import TimeToEvent
from models.time_to_event.family import RECIPES, from_json, to_json
from tests.models.time_to_event.world import VARIATIONS


def test_every_recipe_is_filed_under_its_own_name() -> None:
    assert {name: recipe.name for name, recipe in RECIPES.items()} == {name: name for name in RECIPES}


@pytest.mark.parametrize("recipe", VARIATIONS.values(), ids=list(VARIATIONS))
def test_json_and_back_changes_nothing(recipe: TimeToEvent) -> None:
    assert from_json(to_json(recipe)) == recipe


def test_another_family_is_refused() -> None:
    with pytest.raises(ValueError, match=r"knows bg_nbd, .*weibull"):
        from_json('{"recipe": "popularity"}')

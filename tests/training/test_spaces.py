"""Every recipe that has something to tune says where to look, and its defaults lie in there."""

from dataclasses import fields

import pytest

from models.recommenders.combinator import Combinator
from models.recommenders.family import RECIPES
from training.spaces import SPACES

NOTHING_TO_TUNE = {"recently_viewed", "fallback", "suite"}


def test_every_recipe_has_a_space_and_every_space_a_recipe() -> None:
    assert set(RECIPES) - NOTHING_TO_TUNE <= set(SPACES)


@pytest.mark.parametrize("name", sorted(set(RECIPES) & set(SPACES)))
def test_a_space_is_about_parameters_there_are_and_holds_the_defaults(name: str) -> None:
    recipe = RECIPES[name]()
    for parameter, distribution in SPACES[name].items():
        assert parameter in {field.name for field in fields(recipe)}  # type: ignore[arg-type]
        default = getattr(recipe, parameter)
        assert distribution._contains(distribution.to_internal_repr(default)), (parameter, default, distribution)


def test_a_combinators_sources_are_not_drawn() -> None:
    assert not any(
        "sources" in SPACES[name] for name in RECIPES if isinstance(RECIPES[name](), Combinator) and name in SPACES
    )

"""Recipes survive JSON, and what this version does not know is refused with a way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recommenders.als import ALS
from models.recommenders.base import Recommender
from models.recommenders.fallback import Fallback
from models.recommenders.family import RECIPES, from_json, to_json
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta

numbers = st.floats(0.01, 1e6)
leaves: st.SearchStrategy[Recommender] = st.one_of(
    st.builds(Popularity, half_life=st.none() | numbers, window=st.none() | numbers),
    st.builds(RP3Beta, alpha=numbers, neighbours=st.integers(1, 999), half_life=st.none() | numbers),
    st.builds(ALS, factors=st.integers(1, 512), seed=st.integers(0, 9)),
)
recipes = st.recursive(leaves, lambda inside: st.builds(Fallback, st.lists(inside, min_size=1, max_size=3).map(tuple)))


@given(recipes)
def test_json_and_back_changes_nothing(recipe: Recommender) -> None:
    assert from_json(to_json(recipe)) == recipe


def test_every_recipe_is_filed_under_its_own_name() -> None:
    assert {name: recipe.name for name, recipe in RECIPES.items()} == {name: name for name in RECIPES}


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ('{"recipe": "magic"}', "knows als, .*popularity, "),
        ('{"recipe": "als", "depth": 3}', "train it again"),
        ('{"factors": 3}', "there is no recipe None"),
        ("[1, 2]", "is no recipe"),
    ],
)
def test_what_is_not_known_is_refused(text: str, way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        from_json(text)

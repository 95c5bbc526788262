"""Recipes of any family survive JSON with those inside them, and what a family does not know is refused."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipes import built, described


@dataclass(frozen=True)
class Leaf:
    name: ClassVar[str] = "leaf"
    size: int = 3
    share: float | None = None
    word: str = ""


@dataclass(frozen=True)
class Branch:
    name: ClassVar[str] = "branch"
    first: "Leaf | Branch" = Leaf()
    others: tuple["Leaf | Branch", ...] = ()


FAMILY = {recipe.name: recipe for recipe in (Leaf, Branch)}
leaves = st.builds(Leaf, st.integers(), st.none() | st.floats(-1e9, 1e9), st.text())
recipes = st.recursive(leaves, lambda inside: st.builds(Branch, inside, st.lists(inside, max_size=3).map(tuple)))


@given(recipes)
def test_json_and_back_changes_nothing(recipe: Leaf | Branch) -> None:
    assert built(described(recipe, FAMILY), FAMILY) == recipe


def test_what_is_not_said_is_as_the_recipe_has_it_by_default() -> None:
    assert built('{"recipe": "branch", "first": {"recipe": "leaf", "size": 1}}', FAMILY) == Branch(Leaf(1))


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ('{"recipe": "root"}', "knows branch, leaf"),
        ('{"recipe": "branch", "first": {"recipe": "root"}}', "knows branch, leaf"),
        ('{"recipe": ["leaf"]}', "there is no recipe"),
        ('{"recipe": "leaf", "depth": 3}', "train it again"),
        ('{"size": 3}', "there is no recipe None"),
        ('"leaf"', "is no recipe"),
    ],
)
def test_what_is_not_known_is_refused(text: str, way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        built(text, FAMILY)


def test_a_recipe_of_another_family_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        described(Branch(), {"leaf": Leaf})

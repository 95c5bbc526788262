"""A fitted model on disk: `recipe.json` and `arrays.npz`. Arrays and JSON only; nothing in it is executed."""

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import models.policies.family as policies
import models.recommenders.family as recommenders
import models.time_to_event.family as time_to_event
from models.policies.base import FittedPolicy, Policy
from models.policies.hour_of_week import FittedHourOfWeek, HourOfWeek
from models.recommenders.base import FittedRecommender, Recommender
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.replenishment import FittedReplenishment, Replenishment

FORMAT = 2
"""Format 1 knew recommenders only, and did not say so."""

Recipe = Recommender | TimeToEvent | Replenishment | Policy | HourOfWeek
Fitted = FittedRecommender | FittedTimeToEvent | FittedReplenishment | FittedPolicy | FittedHourOfWeek


class Family(Protocol):
    """How the recipes of one family are written: each family's own file `family.py`."""

    def to_json(self, recipe: Any) -> str:
        """A recipe as JSON."""
        ...

    def from_json(self, text: str) -> Any:
        """The recipe again."""
        ...


FAMILIES: dict[str, Family] = {
    "recommender": recommenders,
    "time_to_event": time_to_event,
    "policy": policies,
    "send_time": policies,
}
"""Hours of the week are written as policies are, but decide nothing: no canary of policies stands before them."""


def family_of(recipe: Recipe) -> str:
    """The name of the family that a recipe belongs to.

    >>> family_of(Replenishment())
    'time_to_event'
    """
    if isinstance(recipe, HourOfWeek):
        return "send_time"
    if type(recipe) in policies.RECIPES.values():
        return "policy"
    return "recommender" if type(recipe) in recommenders.RECIPES.values() else "time_to_event"


def save(recipe: Recipe, fitted: Fitted, folder: Path) -> None:
    """Write `recipe` and what was `fitted` with it into `folder`, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: _text(name, array) for name, array in fitted.arrays().items()}
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)
    family = family_of(recipe)
    described = json.loads(FAMILIES[family].to_json(recipe))
    text = json.dumps({"format": FORMAT, "family": family, "recipe": described}, indent=2)
    (folder / "recipe.json").write_text(text + "\n")


def load(folder: Path) -> tuple[Any, Any]:
    """The recipe and the fitted model of `folder`. Raises ValueError when another version of Kairos wrote it."""
    description = json.loads((folder / "recipe.json").read_text())
    found = description.get("format")
    family = "recommender" if found == 1 else description.get("family")
    if found not in (1, FORMAT) or family not in FAMILIES:
        raise ValueError(
            f"{folder} has format {found} and family {family}; this version reads formats 1 and {FORMAT} of "
            f"{', '.join(FAMILIES)}; train the model again"
        )
    recipe = FAMILIES[family].from_json(json.dumps(description["recipe"]))
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        arrays: dict[str, NDArray[Any]] = {name: _ids(stored[name]) for name in stored.files}
    return recipe, recipe.restore(arrays)


def _text(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Ids as text. Raises ValueError for other objects: None would come back as the id "None"."""
    if array.dtype != object:
        return array
    if not all(isinstance(id_, str) for id_ in array.flat):
        raise ValueError(f"array {name} holds objects that are no ids; keep numbers or strings in it, e.g. '' for none")
    return array.astype(str)


def _ids(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(object) if array.dtype.kind == "U" else array

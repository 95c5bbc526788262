"""A fitted recommender on disk: `recipe.json` and `arrays.npz`. Arrays and JSON only; nothing in it is executed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.recommenders.base import FittedRecommender, Recommender
from models.recommenders.family import from_json, to_json

FORMAT = 1


def save(recipe: Recommender, fitted: FittedRecommender, folder: Path) -> None:
    """Write `recipe` and what was `fitted` with it into `folder`, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: array.astype(str) if array.dtype == object else array for name, array in fitted.arrays().items()}
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)
    text = json.dumps({"format": FORMAT, "recipe": json.loads(to_json(recipe))}, indent=2)
    (folder / "recipe.json").write_text(text + "\n")


def load(folder: Path) -> tuple[Recommender, FittedRecommender]:
    """The recipe and the fitted model of `folder`. Raises ValueError when another version of Kairos wrote it."""
    description = json.loads((folder / "recipe.json").read_text())
    if description.get("format") != FORMAT:
        found = description.get("format")
        raise ValueError(f"{folder} has format {found}, this version reads {FORMAT}; train the model again")
    recipe = from_json(json.dumps(description["recipe"]))
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        arrays: dict[str, NDArray[Any]] = {name: _ids(stored[name]) for name in stored.files}
    return recipe, recipe.restore(arrays)


def _ids(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(object) if array.dtype.kind == "U" else array

"""What is on disk is arrays and JSON, and nothing else is ever opened."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.storage import load, save
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.replenishment import Replenishment
from tests.models.recommenders.world import random_shop
from tests.models.tea_shop import weekly_tea

SHOP = random_shop()


def test_a_saved_model_is_two_files_that_need_no_pickle(tmp_path: Path) -> None:
    save(Fallback(), Fallback().fit(SHOP), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "recipe.json"]
    assert json.loads((tmp_path / "recipe.json").read_text())["recipe"]["recipe"] == "fallback"
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
        assert stored["item_ids"].tolist() == SHOP.item_ids.tolist()
        assert all(stored[name].dtype != object for name in stored.files)


def test_a_pickle_in_the_place_of_an_array_is_not_opened(tmp_path: Path) -> None:
    save(Popularity(), Popularity().fit(SHOP), tmp_path)
    np.savez(tmp_path / "arrays.npz", item_ids=np.array([print], object), until=np.array(1.0), counts=np.ones(1))
    with pytest.raises((ValueError, pickle.UnpicklingError), match="allow_pickle=False"):
        load(tmp_path)


def test_what_was_saved_before_there_were_families_is_a_recommender(tmp_path: Path) -> None:
    fitted = Fallback().fit(SHOP)
    save(Fallback(), fitted, tmp_path)
    described = json.loads((tmp_path / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps({"format": 1, "recipe": described["recipe"]}))
    recipe, loaded = load(tmp_path)
    assert recipe == Fallback()
    assert loaded.item_ids.tolist() == fitted.item_ids.tolist()


def test_a_replenishment_comes_back_with_the_recipes_in_it(tmp_path: Path) -> None:
    recipe = Replenishment(need=MeanInterval(), origins=3)
    lines, catalogue = weekly_tea()
    fitted = recipe.fit(lines, catalogue)
    save(recipe, fitted, tmp_path)
    assert json.loads((tmp_path / "recipe.json").read_text())["family"] == "time_to_event"
    again, loaded = load(tmp_path)
    assert again == recipe
    before, after = fitted.forecast(lines, lines.day), loaded.forecast(lines, lines.day)
    assert np.array_equal(before.curves, after.curves)
    assert after.product_ids.tolist() == before.product_ids.tolist()


def test_an_array_that_holds_something_else_than_ids_is_not_written(tmp_path: Path) -> None:
    class Forgetful:
        def arrays(self) -> dict[str, NDArray[Any]]:
            return {"item_ids": np.array(["a", None], object)}

    fitted: Any = Forgetful()
    with pytest.raises(ValueError, match="array item_ids holds objects that are no ids"):
        save(Popularity(), fitted, tmp_path)


def test_another_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save(Popularity(), Popularity().fit(SHOP), tmp_path)
    (tmp_path / "recipe.json").write_text('{"format": 99, "recipe": {}}')
    with pytest.raises(ValueError, match="train the model again"):
        load(tmp_path)

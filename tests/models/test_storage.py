"""What is on disk is arrays and JSON, and nothing else is ever opened."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.storage import load, save
from tests.models.recommenders.world import random_shop

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


def test_another_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save(Popularity(), Popularity().fit(SHOP), tmp_path)
    (tmp_path / "recipe.json").write_text('{"format": 99, "recipe": {}}')
    with pytest.raises(ValueError, match="train the model again"):
        load(tmp_path)

"""Trees asked by masks give what LightGBM gives, to the last digit, and are refused where they could not."""

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.booster import Booster, Trees
from models.leaf_masks import LeafMasks, Values

COLUMNS = 5


def rows(rng: np.random.Generator, count: int) -> Values:
    """Few distinct values, so that many fall on a threshold; NaN, infinities and a column of one value among them."""
    found = rng.integers(-4, 5, (count, COLUMNS)).astype(np.float32) / 4
    found[:, 1] = rng.normal(size=count)
    found[:, 2] = 7
    found[rng.random(found.shape) < 0.15] = np.nan
    found[rng.random(found.shape) < 0.02] = np.inf
    found[rng.random(found.shape) < 0.02] = -np.inf
    return found


def grown(seed: int, leaves: int = 31, count: int = 12) -> Booster:
    rng = np.random.default_rng(seed)
    seen = rows(rng, 600)
    seen[:, 3] = np.nan_to_num(seen[:, 3])
    plain = np.nan_to_num(np.clip(seen, -2, 2), nan=1.0)
    wanted = plain[:, 0] * 2 + plain[:, 1] - plain[:, 3] + rng.normal(size=600) > 0
    return Trees(count, leaves, smallest_leaf=5, column_share=0.9, seed=seed % 1000).grown(seen, wanted)


def masked(booster: Booster) -> LeafMasks | None:
    return LeafMasks.of(booster.text.tobytes().decode())


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 7, 31, 32]), st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_they_add_up_to_what_lightgbm_says(seed: int, leaves: int, count: int) -> None:
    booster, asked = grown(seed, leaves), rows(np.random.default_rng(seed + 1), count)
    masks = masked(booster)
    assert masks is not None
    assert np.array_equal(masks.scores(masks.left(asked.T, range(COLUMNS))), booster.scores(asked))


def test_columns_that_are_looked_at_apart_say_together_what_they_say_at_once() -> None:
    booster, asked = grown(3), rows(np.random.default_rng(4), 200).T
    masks = masked(booster)
    assert masks is not None
    parts = masks.left(asked[[4, 0]], (4, 0)) & masks.left(asked[[2]], (2,)) & masks.left(asked[[3, 1]], (3, 1))
    assert np.array_equal(parts, masks.left(asked, range(COLUMNS)))
    assert np.array_equal(parts, parts & masks.nothing(200))


def test_values_next_to_a_threshold_fall_on_the_right_side_of_it() -> None:
    booster = grown(5)
    masks = masked(booster)
    assert masks is not None
    near = [np.nextafter(each, np.float32(way)) for each in masks.thresholds[1] for way in (-np.inf, each, np.inf)]
    asked = np.zeros((len(near), COLUMNS), np.float32)
    asked[:, 1] = near
    assert np.array_equal(masks.scores(masks.left(asked.T, range(COLUMNS))), booster.scores(asked))


def test_a_tree_that_never_splits_adds_its_one_leaf() -> None:
    seen = np.zeros((50, COLUMNS), np.float32)
    booster = Trees(3).grown(seen, np.arange(50) < 10)
    masks = masked(booster)
    assert masks is not None
    assert np.array_equal(masks.scores(masks.nothing(4)), booster.scores(seen[:4]))


@pytest.mark.parametrize(
    ("settings_", "categories"),
    [
        ({"num_leaves": 33}, []),
        ({"zero_as_missing": True}, []),
        ({"linear_tree": True}, []),
        ({"objective": "multiclass", "num_class": 3}, []),
        ({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, []),
        ({}, [0]),
    ],
)
def test_what_masks_cannot_say_is_left_to_lightgbm(settings_: dict[str, object], categories: list[int]) -> None:
    rng = np.random.default_rng(6)
    seen = rng.integers(0, 60, (3_000, COLUMNS)).astype(np.float64)
    seen[:, 0] %= 9
    wanted = (np.isin(seen[:, 0], [1, 4, 6]) | (seen[:, 1] > 50)) ^ (rng.random(3_000) < 0.2)
    wanted = rng.integers(0, 3, 3_000) if "num_class" in settings_ else wanted
    told = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 2, "seed": 1, **settings_}
    data = lightgbm.Dataset(seen, wanted, categorical_feature=categories, params=told)
    text = lightgbm.train(told, data, 3).model_to_string()
    assert LeafMasks.of(text) is None

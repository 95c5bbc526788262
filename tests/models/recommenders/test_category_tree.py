"""Chances within categories: they sum to one, narrow levels lean on wide ones, and both ways to compute them agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recommenders.category_tree import CategoryTree

PATHS = st.lists(st.sampled_from(["a", "b", "a/x", "a/x/deep", "a/y", "b/x", None, ""]), min_size=1, max_size=20)


@given(PATHS, st.floats(0.1, 100), st.integers(0, 1_000))
@settings(deadline=None)
def test_chances_within_any_node_sum_to_one_and_equal_the_factors(
    paths: list[str | None], doubt: float, seed: int
) -> None:
    tree = CategoryTree.of(paths)
    counts = np.random.default_rng(seed).random(len(paths))
    totals = tree.totals(counts)
    nodes = np.arange(len(tree.paths), dtype=np.int32)
    chances = tree.chances(totals, nodes, tree.nodes, counts, doubt)
    assert chances.sum(axis=1) == pytest.approx(1)
    for node in nodes:
        interest = np.zeros(len(nodes))
        interest[node] = 1.0
        assert counts * tree.factors(totals, interest, doubt)[tree.nodes] == pytest.approx(chances[node])


def test_totals_hold_all_levels_below() -> None:
    tree = CategoryTree.of(["a/x", "a", None, "ab"])
    assert dict(zip(tree.paths, tree.totals(np.array([1.0, 2.0, 4.0, 8.0])), strict=True)) == {
        "": 15.0,
        "a": 3.0,
        "a/x": 1.0,
        "ab": 8.0,
    }


def test_a_narrow_category_with_much_evidence_answers_for_itself_and_one_with_little_for_its_parent() -> None:
    tree = CategoryTree.of(["a/x", "a/x", "a/y"])
    (much,) = tree.chances(
        np.array([1_200.0] * 2 + [200.0, 1_000.0]), np.array([2]), tree.nodes, np.full(3, 100.0), 1.0
    )
    assert much[0] > 50 * much[2] / 100
    counts = np.array([1.0, 1.0, 98.0])
    asked = np.array([2], np.int32)
    certain = tree.chances(tree.totals(counts), asked, tree.nodes, counts, 0.01)[0]
    doubtful = tree.chances(tree.totals(counts), asked, tree.nodes, counts, 1_000.0)[0]
    assert certain[0] > 0.45
    assert doubtful[2] > 0.9


def test_products_that_move_leave_the_others_where_they_are() -> None:
    tree = CategoryTree.of(["a/x", "b"]).over(np.array([0, 2]), 4).moved(np.array([1, 2], np.int32), ["c/d", None])
    assert tree.paths[tree.nodes].tolist() == ["a/x", "c/d", "", ""]
    assert tree.paths[tree.lineage[tree.nodes[1]]].tolist() == ["", "c", "c/d"]


def test_blanks_and_empty_steps_do_not_make_new_categories() -> None:
    assert CategoryTree.of(["a/x", " a / x ", "a//x/"]).paths.tolist() == ["", "a", "a/x"]


def test_a_shop_without_sales_gives_no_chance_to_anything() -> None:
    tree = CategoryTree.of(["a", None])
    interest = np.array([0.5, 0.5])
    assert not (tree.factors(np.zeros(2), interest, 1.0) * np.zeros(2)).any()
    assert not tree.chances(np.zeros(2), tree.nodes, tree.nodes, np.zeros(2), 1.0).any()

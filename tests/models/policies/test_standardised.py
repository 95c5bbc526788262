"""Contexts standardised bit by bit are standardised as in one go."""

import numpy as np
import pytest

from models.policies.contexts import Contexts
from models.policies.standardised import Standardised


def test_parts_give_the_moments_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 3)) * [1.0, 1e6, 1e-6] + [0.0, 1e9, 5.0]
    values[rng.random((300, 3)) < 0.2] = np.nan
    parts = Standardised()
    for rows in np.array_split(np.arange(300), 7):
        parts = parts.grown(Contexts(("b", "a", "c"), values[rows]))
    assert parts.names == ("a", "b", "c")
    order = [1, 0, 2]
    assert parts.means == pytest.approx(np.nanmean(values, axis=0)[order])
    assert np.sqrt(parts.squares / parts.counts) == pytest.approx(np.nanstd(values, axis=0)[order])


def test_what_is_missing_is_the_mean_with_a_flag_and_what_never_varies_is_nothing() -> None:
    contexts = Contexts(("x", "same"), np.array([[1.0, 0.1], [3.0, 0.1], [np.nan, 0.1]]))
    known = Standardised().grown(contexts)
    assert known.columns == ("", "same", "x", "x?")
    assert known.matrix(contexts) == pytest.approx(np.array([[1, 0, -1, 0], [1, 0, 1, 0], [1, 0, 0, 1]]), abs=1e-9)
    assert known.matrix(Contexts((), np.empty((1, 0)))).tolist() == [[1.0, 0.0, 0.0, 1.0]]


def test_no_value_counts_beyond_four_deviations() -> None:
    known = Standardised().grown(Contexts(("x",), np.arange(10.0)[:, None]))
    assert known.matrix(Contexts(("x",), np.array([[1e300]])))[0, 1] == 4.0

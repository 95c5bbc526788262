"""Training learns what was planted, the same each time, and says what to install where it cannot."""

import sys

import numpy as np
import pytest
import torch

from models.recommenders.sasrec import SASRec
from models.recommenders.transformer import outlook, unit
from models.recommenders.transformer_training import train

SMALL = SASRec(factors=16, blocks=1, heads=1, epochs=15, batch=16, negatives=10, rate=1e-2, dropout=0.0)


def test_what_follows_two_steps_later_is_learned() -> None:
    """The next product depends on the one before the last, which no rule of single steps could know."""
    rng, sequences = np.random.default_rng(1), []
    for _ in range(200):
        start, between = rng.integers(0, 10), rng.integers(10, 20)
        sequences.append([start, between, (start + 1) % 10])
    items = np.array(sequences, np.int32).ravel()
    weights = train(SMALL, np.arange(0, 601, 3), items, 20)
    right = 0
    for first in range(10):
        found = unit(weights["items"]) @ outlook(weights, np.array([first, 10 + first]), 1)
        right += int(found.argmax() == (first + 1) % 10)
    assert right >= 9


def test_the_same_seed_gives_the_same_weights_and_leaves_the_generator_alone() -> None:
    indptr, items = np.array([0, 3, 5]), np.array([0, 1, 2, 1, 0], np.int32)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one = train(SMALL, indptr, items, 3)
    assert torch.rand(1) == expected
    again, other = train(SMALL, indptr, items, 3), train(SASRec(**{**vars(SMALL), "seed": 8}), indptr, items, 3)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["items"], other["items"])


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch=="):
        train(SMALL, np.array([0, 2]), np.array([0, 1], np.int32), 2)

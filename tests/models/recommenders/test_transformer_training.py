"""Training learns what was planted, the same each time, and says what to install where it cannot."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.recommenders.sasrec import SASRec
from models.recommenders.transformer import outlook, unit
from models.recommenders.transformer_checkpoint import Checkpoints
from models.recommenders.transformer_training import train, weights_of
from tests.waiting import PATIENCE

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


def drawn_sequences(count: int = 61, products: int = 12) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Of 2 to 9 steps each; as many that the last batch has one sequence, which cannot be shared."""
    rng = np.random.default_rng(5)
    indptr = np.concatenate([[0], np.cumsum(rng.integers(2, 10, count))])
    return indptr, rng.integers(0, products, indptr[-1]).astype(np.int32)


@dataclass(frozen=True)
class Thread:
    """One of `size` threads that train together in this process."""

    rank: int
    size: int
    barrier: Barrier
    given: dict[int, Any]

    def agreed(self, number: int) -> int:
        self.given[self.rank] = number
        self.barrier.wait(PATIENCE)
        told = int(self.given[0])
        self.barrier.wait(PATIENCE)
        return told

    def add_up(self, tensors: Sequence[Any]) -> None:
        self.given[self.rank] = [tensor.clone() for tensor in tensors]
        self.barrier.wait(PATIENCE)
        for place, tensor in enumerate(tensors):
            tensor.copy_(sum(self.given[rank][place] for rank in range(self.size)))
        self.barrier.wait(PATIENCE)


def together(size: int, recipe: SASRec, folders: Sequence[Path | None]) -> list[dict[str, NDArray[Any]]]:
    """What each of `size` workers ends with."""
    indptr, items = drawn_sequences()
    barrier, given = Barrier(size), {}

    def work(rank: int) -> dict[str, NDArray[Any]]:
        folder = folders[rank]
        checkpoints = Checkpoints(folder) if folder else None
        return train(recipe, indptr, items, 12, Thread(rank, size, barrier, given), checkpoints)

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, range(size)))


def alike(found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]], tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("size", [2, 3])
def test_many_workers_learn_what_one_learns(size: int, tmp_path: Path) -> None:
    """From the same batches in the same order, to the last digits of a sum; and their losses are the same."""
    recipe = replace(SMALL, epochs=3, batch=20)
    indptr, items = drawn_sequences()
    alone = train(recipe, indptr, items, 12, checkpoints=Checkpoints(tmp_path / "alone"))
    many = together(size, recipe, [tmp_path / "many"] * size)
    for found in many[1:]:
        alike(found, many[0], 0)
    alike(many[0], alone, 2e-4)
    losses = [Checkpoints(tmp_path / name).load(3)["losses"] for name in ("alone", "many")]
    assert len(losses[0]) == 3
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    far = train(replace(recipe, seed=8), indptr, items, 12)
    assert max(np.abs(far[name] - alone[name]).max() for name in alone) > 0.02, "the tolerance tells trainings apart"


def test_a_training_that_was_cut_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Bit for bit, dropout included; and it does go on, rather than begin anew."""
    recipe, (indptr, items) = replace(SMALL, epochs=4, dropout=0.2), drawn_sequences()
    whole = train(recipe, indptr, items, 12)

    class CutOff(Exception):
        """The machine is gone."""

    @dataclass(frozen=True)
    class Doomed(Checkpoints):
        def save(self, epochs: int, arrays: Any) -> None:
            super().save(epochs, arrays)
            if epochs == 2:
                raise CutOff

    with pytest.raises(CutOff):
        train(recipe, indptr, items, 12, checkpoints=Doomed(tmp_path))
    resumed = train(recipe, indptr, items, 12, checkpoints=Checkpoints(tmp_path))
    alike(resumed, whole, 0)
    saved = Checkpoints(tmp_path).load(4)
    assert saved["starts"].tolist() == [0, 2]
    assert len(saved["losses"]) == 4
    alike(weights_of(saved), whole, 0)
    alike(train(recipe, indptr, items, 12, checkpoints=Checkpoints(tmp_path)), whole, 0)


def test_everybody_begins_where_the_first_one_does(tmp_path: Path) -> None:
    """A worker whose view of the folder is behind does not train another epoch than the others."""
    recipe, (indptr, items) = replace(SMALL, epochs=1), drawn_sequences()
    train(recipe, indptr, items, 12, checkpoints=Checkpoints(tmp_path / "ahead"))
    found = together(2, replace(SMALL, epochs=2), [tmp_path / "behind", tmp_path / "ahead"])
    alike(found[1], found[0], 0)
    assert Checkpoints(tmp_path / "behind").load(2)["starts"].tolist() == [0]

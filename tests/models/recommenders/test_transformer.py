"""The forward pass that answers is the one that was trained: numpy beside torch."""

from typing import Any

import numpy as np
import pytest
import torch

from models.recommenders.transformer import outlook
from models.recommenders.transformer_training import forward


def weights(blocks: int, factors: int, count: int = 20, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray[Any, Any]:
        return rng.normal(size=shape).astype(np.float32)

    square = ("query", "key", "value", "mix", "inner", "outer")
    return {
        "items": drawn(count, factors),
        "positions": drawn(10, factors),
        **{name: drawn(blocks, factors, factors) / 2 for name in square},
        "inner_bias": drawn(blocks, factors),
        "outer_bias": drawn(blocks, factors),
        "attention_norm": drawn(blocks, 2, factors),
        "dense_norm": drawn(blocks, 2, factors),
        "last_norm": drawn(2, factors),
    }


@pytest.mark.parametrize(("blocks", "factors", "heads"), [(1, 8, 1), (2, 8, 2), (3, 12, 4)])
def test_numpy_answers_what_torch_was_trained_to(blocks: int, factors: int, heads: int) -> None:
    drawn = weights(blocks, factors)
    tensors = {name: torch.from_numpy(array) for name, array in drawn.items()}
    for length in (1, 2, 7, 10):
        codes = np.random.default_rng(length).integers(0, 20, length)
        theirs = forward(tensors, torch.from_numpy(codes[None]), heads)[0, -1].numpy()
        assert outlook(drawn, codes, heads) == pytest.approx(theirs, abs=2e-5)


def test_no_step_looks_ahead_and_padding_behind_says_nothing() -> None:
    tensors = {name: torch.from_numpy(array) for name, array in weights(2, 8).items()}
    short, long = torch.tensor([[3, 1, 4]]), torch.tensor([[3, 1, 4, 15, 9]])
    assert torch.allclose(forward(tensors, short, 2)[0], forward(tensors, long, 2)[0, :3], atol=1e-5)

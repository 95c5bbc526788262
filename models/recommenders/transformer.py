"""The forward pass of SASRec in numpy: what a session's steps add up to, without a training library."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array32 = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]

_SMALL = np.float32(1e-5)


def outlook(weights: Weights, codes: NDArray[np.int64], heads: int) -> Array32:
    """The vector of length 1 that the next product is expected near, after the products `codes`, oldest first.

    Blocks normalise before attention and before the two dense layers, and the latest step answers for the session, so
    the last block computes nothing for the others. Shape (factors,).
    """
    items: Array32 = weights["items"]
    hidden: Array32 = unit(items[codes]) + weights["positions"][: len(codes)]
    blocks = len(weights["query"])
    for block in range(blocks):
        inputs = _normalised(hidden, weights["attention_norm"][block])
        asking = slice(-1, None) if block == blocks - 1 else slice(None)
        hidden = hidden[asking] + _attention(weights, block, inputs, inputs[asking], heads)
        inputs = _normalised(hidden, weights["dense_norm"][block])
        inner = np.maximum(inputs @ weights["inner"][block] + weights["inner_bias"][block], 0)
        hidden = hidden + inner @ weights["outer"][block] + weights["outer_bias"][block]
    found: Array32 = unit(_normalised(hidden[-1], weights["last_norm"]))
    return found


def unit(vectors: Array32) -> Array32:
    """Each vector at length 1; zeros stay."""
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def _normalised(hidden: Array32, norm: Array32) -> Array32:
    """Layer normalisation; `norm` (2, factors) holds gain and shift."""
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _SMALL)
    return np.asarray(centred / spread * norm[0] + norm[1], np.float32)


def _attention(weights: Weights, block: int, inputs: Array32, asking: Array32, heads: int) -> Array32:
    steps, factors = inputs.shape
    shape = (-1, heads, factors // heads)
    queries = (asking @ weights["query"][block]).reshape(shape).transpose(1, 0, 2)
    keys = (inputs @ weights["key"][block]).reshape(shape).transpose(1, 2, 0)
    values = (inputs @ weights["value"][block]).reshape(shape).transpose(1, 0, 2)
    logits = queries @ keys / np.float32(np.sqrt(shape[2]))
    if len(asking) == steps:
        logits = np.where(np.tri(steps, dtype=bool), logits, np.float32(-np.inf))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    mixed = (powers / powers.sum(axis=-1, keepdims=True)) @ values
    return np.asarray(mixed.transpose(1, 0, 2).reshape(-1, factors) @ weights["mix"][block], np.float32)

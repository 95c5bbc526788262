"""The training of SASRec in torch on CPU, with a sampled softmax. torch is imported when it is asked for, not before.

Klenitskiy and Vasilev, "Turning dross into gold loss: is BERT4Rec really better than SASRec?" (RecSys 2023): with the
softmax over many negatives instead of one, the old architecture is as good as the new ones.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.recommenders.sessions import spans

if TYPE_CHECKING:
    from models.recommenders.sasrec import SASRec

_POOL = 50
_NOTHING = -1


def train(
    recipe: "SASRec", indptr: NDArray[np.int64], items: NDArray[np.int32], count: int
) -> dict[str, NDArray[np.float32]]:
    """Weights for `count` products from sequences in CSR; each step of each learns to foresee the one after it.

    Raises ImportError that tells what to install when torch is not there.
    """
    torch = _torch()
    rng = np.random.default_rng(recipe.seed)
    frequency = np.bincount(items, minlength=count).astype(np.float64)
    odds = 0.5 / count + 0.5 * frequency / frequency.sum()
    cumulated, log_odds = np.cumsum(odds), torch.from_numpy(np.log(odds * recipe.negatives).astype(np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        weights = _start(torch, recipe, count)
        optimiser = torch.optim.Adam(weights.values(), lr=recipe.rate, betas=(0.9, 0.98))
        batches = [_batches(np.diff(indptr), recipe.batch, rng) for _ in range(recipe.epochs)]
        total = max(sum(map(len, batches)), 1)
        slope = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / 100, 1 - step / total))
        for batch in (rows for epoch in batches for rows in epoch):
            padded = torch.from_numpy(_padded(indptr, items, batch))
            inputs, targets = padded[:, :-1], padded[:, 1:]
            real = targets != _NOTHING
            hidden = forward(weights, inputs.clamp(min=0), recipe.heads, recipe.dropout)[real]
            drawn = np.searchsorted(cumulated, rng.random(recipe.negatives) * cumulated[-1]).clip(max=count - 1)
            negatives = torch.from_numpy(drawn)
            loss = _loss(torch, weights["items"], hidden, targets[real], negatives, log_odds, recipe.sharpness)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            slope.step()
    return {name: weight.detach().numpy() for name, weight in weights.items()}


def forward(weights: dict[str, Any], codes: Any, heads: int, dropout: float = 0.0) -> Any:
    """All steps of a batch of sequences (n, steps) of codes, padded behind; vectors of length 1 (n, steps, factors)."""
    functional = _torch().nn.functional
    steps = codes.shape[1]
    embedded = functional.normalize(functional.embedding(codes, weights["items"]), dim=-1)
    hidden = functional.dropout(embedded + weights["positions"][:steps], dropout)
    factors = hidden.shape[2]

    def norm(inputs: Any, both: Any) -> Any:
        return functional.layer_norm(inputs, (factors,), both[0], both[1])

    def parted(inputs: Any) -> Any:
        return inputs.reshape(len(codes), steps, heads, factors // heads).transpose(1, 2)

    for block in range(len(weights["query"])):
        inputs = norm(hidden, weights["attention_norm"][block])
        query, key, value = (parted(inputs @ weights[name][block]) for name in ("query", "key", "value"))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(len(codes), steps, factors) @ weights["mix"][block]
        hidden = hidden + functional.dropout(mixed, dropout)
        inner = norm(hidden, weights["dense_norm"][block]) @ weights["inner"][block] + weights["inner_bias"][block]
        outer = functional.relu(inner) @ weights["outer"][block] + weights["outer_bias"][block]
        hidden = hidden + functional.dropout(outer, dropout)
    return functional.normalize(norm(hidden, weights["last_norm"]), dim=-1)


def _loss(torch: Any, items: Any, hidden: Any, targets: Any, negatives: Any, log_odds: Any, sharpness: float) -> Any:
    """Cross-entropy of the target against drawn products, each counted as often as it stands for others not drawn."""
    functional = torch.nn.functional
    right = functional.normalize(functional.embedding(targets, items), dim=-1)
    wrong = functional.normalize(functional.embedding(negatives, items), dim=-1)
    hit = sharpness * (hidden * right).sum(dim=-1, keepdim=True)
    missed = sharpness * (hidden @ wrong.T) - log_odds[negatives]
    missed = missed.masked_fill(targets[:, None] == negatives, -torch.inf)
    return (torch.logsumexp(torch.cat([hit, missed], dim=1), dim=1) - hit[:, 0]).mean()


def _start(torch: Any, recipe: "SASRec", count: int) -> dict[str, Any]:
    size, blocks = recipe.factors, recipe.blocks

    def drawn(*shape: int, scale: float = size**-0.5) -> Any:
        return (torch.randn(*shape) * scale).requires_grad_()

    def norms(*shape: int) -> Any:
        return torch.stack([torch.ones(*shape, size), torch.zeros(*shape, size)], dim=-2).requires_grad_()

    return {
        "items": drawn(count, size),
        "positions": drawn(recipe.length, size, scale=0.02),
        **{name: drawn(blocks, size, size) for name in ("query", "key", "value", "mix", "inner", "outer")},
        "inner_bias": torch.zeros(blocks, size).requires_grad_(),
        "outer_bias": torch.zeros(blocks, size).requires_grad_(),
        "attention_norm": norms(blocks),
        "dense_norm": norms(blocks),
        "last_norm": norms(),
    }


def _batches(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """All sequences once, in random batches of about one length, so that little is padding."""
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), size * _POOL):
        pool = order[start : start + size * _POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[place : place + size] for place in range(0, len(pool), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def _padded(indptr: NDArray[np.int64], items: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = indptr[rows + 1] - indptr[rows]
    padded = np.full((len(rows), int(lengths.max())), _NOTHING, np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = items[spans(indptr[rows], lengths)]
    return padded


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("SASRec is trained with torch, which is not installed: pip install torch==2.13.0") from error
    return torch

"""The training of SASRec in torch on CPU, with a sampled softmax. torch is imported when it is asked for, not before.

Klenitskiy and Vasilev, "Turning dross into gold loss: is BERT4Rec really better than SASRec?" (RecSys 2023): with the
softmax over many negatives instead of one, the old architecture is as good as the new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.recommenders.sessions import spans
from models.recommenders.step_vectors import step_vectors
from models.recommenders.transformer_checkpoint import Checkpoints
from models.recommenders.transformer_group import Alone, Group

if TYPE_CHECKING:
    from models.recommenders.sasrec import SASRec

_POOL = 50
_NOTHING = -1
_DRAWN = 0.1
"""How much of the random start stays beside vectors of neighbours."""
_WEIGHT = "weight."
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of each weight, by the names that torch has for it."""

ALONE = Alone()


def train(
    recipe: "SASRec",
    indptr: NDArray[np.int64],
    items: NDArray[np.int32],
    count: int,
    group: Group = ALONE,
    checkpoints: Checkpoints | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Weights for `count` products from sequences in CSR; each step of each learns to foresee the one after it.

    Each of the `group` takes its share of every batch, and all end with the same weights; how many there are shows in
    the draws of dropout alone. With `checkpoints` it goes on after the last epoch that is there, on the way that it
    would have taken without a break, as every epoch draws from a generator of its own.

    Raises ImportError that tells what to install when torch is not there.
    """
    torch = _torch()
    lengths = np.diff(indptr)
    frequency = np.bincount(items, minlength=count).astype(np.float64)
    odds = 0.5 / count + 0.5 * frequency / frequency.sum()
    cumulated, log_odds = np.cumsum(odds), torch.from_numpy(np.log(odds * recipe.negatives).astype(np.float32))
    total = max(recipe.epochs * -(-len(lengths) // recipe.batch), 1)
    with torch.random.fork_rng(devices=[]):
        weights = _start(torch, recipe, count)
        optimiser = torch.optim.Adam(weights.values(), lr=recipe.rate, betas=(0.9, 0.98))
        begun = group.agreed(checkpoints.newest() if checkpoints else 0)
        progress = (
            _restored(torch, weights, optimiser, checkpoints.load(begun)) if checkpoints and begun else Progress()
        )
        progress.starts.append(begun)
        if recipe.window and not begun:
            _begin_near(torch, weights["items"], recipe, indptr, items, group)
        step = begun * total // max(recipe.epochs, 1)
        for epoch in range(begun, recipe.epochs):
            rng = np.random.default_rng((recipe.seed, epoch))
            torch.manual_seed(int(np.random.SeedSequence((recipe.seed, epoch, group.rank)).generate_state(1)[0]))
            lost = torch.zeros(1)
            for batch in _batches(lengths, recipe.batch, rng):
                drawn = np.searchsorted(cumulated, rng.random(recipe.negatives) * cumulated[-1]).clip(max=count - 1)
                rows, foreseen = batch[group.rank :: group.size], int((lengths[batch] - 1).sum())
                optimiser.zero_grad()
                if len(rows):
                    padded, negatives = torch.from_numpy(_padded(indptr, items, rows)), torch.from_numpy(drawn)
                    loss = _loss(torch, recipe, weights, padded, negatives, log_odds) / foreseen
                    loss.backward()
                    lost += loss.detach()
                else:
                    _without_gradient(torch, weights)
                group.add_up([weight.grad for weight in weights.values()])
                for parameters in optimiser.param_groups:
                    parameters["lr"] = recipe.rate * min((step + 1) / 100, 1 - step / total)
                optimiser.step()
                step += 1
            group.add_up([lost])
            progress.losses.append(float(lost) * recipe.epochs / total)
            if checkpoints and not group.rank:
                checkpoints.save(epoch + 1, _saved(weights, optimiser, progress))
    return {name: weight.detach().numpy() for name, weight in weights.items()}


@dataclass(frozen=True)
class Progress:
    """The mean loss of each epoch, and after how many epochs each start of the loop began: a resumed one has two."""

    losses: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def weights_of(saved: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The weights in a checkpoint."""
    return {name.removeprefix(_WEIGHT): array for name, array in saved.items() if name.startswith(_WEIGHT)}


def _saved(weights: dict[str, Any], optimiser: Any, progress: Progress) -> dict[str, NDArray[Any]]:
    found = {"losses": np.array(progress.losses), "starts": np.array(progress.starts)}
    for name, weight in weights.items():
        found[_WEIGHT + name] = weight.detach().numpy()
        for part, tensor in optimiser.state[weight].items():
            found[f"{part}.{name}"] = tensor.numpy()
    return found


def _restored(torch: Any, weights: dict[str, Any], optimiser: Any, saved: dict[str, NDArray[Any]]) -> Progress:
    """Put what was saved into `weights` and the `optimiser`."""
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(torch.from_numpy(saved[_WEIGHT + name]))
            optimiser.state[weight] = {part: torch.from_numpy(saved[f"{part}.{name}"]) for part in _MOMENTS}
    return Progress(saved["losses"].tolist(), saved["starts"].tolist())


def _without_gradient(torch: Any, weights: dict[str, Any]) -> None:
    """A last batch may have fewer sequences than there are workers."""
    for weight in weights.values():
        weight.grad = torch.zeros_like(weight)


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


def _loss(torch: Any, recipe: "SASRec", weights: dict[str, Any], padded: Any, negatives: Any, log_odds: Any) -> Any:
    """The sum over steps of the cross-entropy of what came next against drawn products.

    Each drawn product counts as often as it stands for others that were not drawn.
    """
    functional, items = torch.nn.functional, weights["items"]
    inputs, targets = padded[:, :-1], padded[:, 1:]
    real = targets != _NOTHING
    hidden, targets = forward(weights, inputs.clamp(min=0), recipe.heads, recipe.dropout)[real], targets[real]
    right = functional.normalize(functional.embedding(targets, items), dim=-1)
    wrong = functional.normalize(functional.embedding(negatives, items), dim=-1)
    hit = recipe.sharpness * (hidden * right).sum(dim=-1, keepdim=True)
    missed = recipe.sharpness * (hidden @ wrong.T) - log_odds[negatives]
    missed = missed.masked_fill(targets[:, None] == negatives, -torch.inf)
    return (torch.logsumexp(torch.cat([hit, missed], dim=1), dim=1) - hit[:, 0]).sum()


def _start(torch: Any, recipe: "SASRec", count: int) -> dict[str, Any]:
    size, blocks = recipe.factors, recipe.blocks
    generator = torch.Generator().manual_seed(recipe.seed)

    def drawn(*shape: int, scale: float = size**-0.5) -> Any:
        return (torch.randn(*shape, generator=generator) * scale).requires_grad_()

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


def _begin_near(
    torch: Any, vectors: Any, recipe: "SASRec", indptr: NDArray[np.int64], items: NDArray[np.int32], group: Group
) -> None:
    """Products near what stands near them. The first worker finds where for all, as singular vectors may turn with the
    machine; what is drawn stays in it, small, so that products without neighbours differ."""
    with torch.no_grad():
        if group.rank:
            vectors.zero_()
        else:
            rng = np.random.default_rng(recipe.seed)
            found = step_vectors(indptr, items, len(vectors), recipe.factors, recipe.window, rng)
            vectors.mul_(_DRAWN).add_(torch.from_numpy(found))
        group.add_up([vectors])


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

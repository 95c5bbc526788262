"""The tree of a shop's categories, `dairy/milk` below `dairy` below all, and chances shrunk from level to level."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, codes_of, places_by_id

_SEPARATOR = "/"
_KNOWN_PATHS = 20_000
"""A shop's categories hardly change, while the tree is made anew with every product that is added."""

ROOT = 0
"""The node of everything: the empty path sorts first."""


@dataclass(frozen=True)
class CategoryTree:
    """`paths` are the nodes, sorted, the root `""` among them; `nodes` (items,) holds the node of each product.

    `lineage` (nodes, levels) names the ancestors of each node from the root down to itself, -1 behind it.

    >>> tree = CategoryTree.of(["dairy/milk", None])
    >>> tree.paths.tolist(), tree.nodes.tolist()
    (['', 'dairy', 'dairy/milk'], [2, 0])
    """

    paths: Ids
    nodes: Codes
    lineage: NDArray[np.int32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        chains = [_chain(path) for path in self.paths]
        lineage = np.full((len(chains), max(map(len, chains))), -1, np.int32)
        nodes = places_by_id(self.paths)
        for node, chain in enumerate(chains):
            lineage[node, : len(chain)] = [nodes[path] for path in chain]
        object.__setattr__(self, "lineage", lineage)

    @classmethod
    def of(cls, categories: Iterable[str | None]) -> "CategoryTree":
        """Of the category of each product, a path with `/`; a product without one hangs at the root."""
        told = list(categories)
        chains = {category: _chain(category) for category in dict.fromkeys(told)}
        paths = np.array(sorted({path for chain in chains.values() for path in chain} | {""}), object)
        places = {path: node for node, path in enumerate(paths)}
        found = {category: places[chain[-1]] for category, chain in chains.items()}
        return cls(paths, np.fromiter((found[category] for category in told), np.int32, len(told)))

    def over(self, places: NDArray[np.int64], count: int) -> "CategoryTree":
        """The same among `count` products, of which these are at `places`; the others hang at the root."""
        nodes = np.full(count, ROOT, np.int32)
        nodes[places] = self.nodes
        return replace(self, nodes=nodes)

    def moved(self, products: Codes, categories: Iterable[str | None]) -> "CategoryTree":
        """With `products` in other categories."""
        other = CategoryTree.of(categories)
        paths = np.union1d(self.paths, other.paths)
        nodes = codes_of(self.paths, paths)[self.nodes]
        nodes[products] = codes_of(other.paths, paths)[other.nodes]
        return CategoryTree(paths, nodes)

    def totals(self, counts: Floats) -> Floats:
        """What all products at and below each node add up to, (nodes,)."""
        own = np.bincount(self.nodes, counts, len(self.paths))
        kept = self.lineage >= 0
        owners = np.broadcast_to(np.arange(len(self.paths))[:, None], self.lineage.shape)
        return np.bincount(self.lineage[kept], own[owners[kept]], len(self.paths)).astype(np.float64)

    def factors(self, totals: Floats, interest: Floats, doubt: float) -> Floats:
        """What to multiply the count of a product at each node with, (nodes,), for its chance given an `interest`.

        `interest` (nodes,) says how much each node was asked for, `totals` are those of the counts. The chance of a
        product within a node is (its count + `doubt` * its chance within the parent) / (the node's total + `doubt`):
        shrinkage level by level (MacKay and Peto, "A hierarchical Dirichlet language model", 1995).
        """
        passed, kept = interest.astype(np.float64), np.zeros(len(self.paths))
        depth = (self.lineage >= 0).sum(axis=1) - 1
        for level in range(self.lineage.shape[1] - 1, 0, -1):
            here = np.flatnonzero(depth == level)
            kept[here] = passed[here] / (totals[here] + doubt)
            passed += np.bincount(self.lineage[here, level - 1], kept[here] * doubt, len(self.paths))
        kept[ROOT] = passed[ROOT] / totals[ROOT] if totals[ROOT] else 0.0
        return np.asarray(np.where(self.lineage >= 0, kept[self.lineage], 0).sum(axis=1), np.float64)

    def chances(self, totals: Floats, asked: Codes, nodes: Codes, counts: Floats, doubt: float) -> Floats:
        """The chance of each product (its node and count) within each node that was `asked` for: (asked, products).

        The same as `factors` of one node at a time, for few products.
        """
        chances = np.repeat(counts[None] / totals[ROOT] if totals[ROOT] else 0 * counts[None], len(asked), axis=0)
        for level in range(1, self.lineage.shape[1]):
            within = self.lineage[asked, level]
            same = within[:, None] == self.lineage[nodes, level]
            shrunk = (same * counts + doubt * chances) / (totals[within] + doubt)[:, None]
            chances = np.where((within >= 0)[:, None], shrunk, chances)
        return chances


@lru_cache(maxsize=_KNOWN_PATHS)
def _chain(category: str | None) -> tuple[str, ...]:
    """All prefixes of a path, the root first.

    >>> _chain(" dairy / milk/")
    ('', 'dairy', 'dairy/milk')
    """
    chain = [""]
    for part in (category or "").split(_SEPARATOR):
        if part.strip():
            chain.append(f"{chain[-1]}{_SEPARATOR}{part.strip()}" if chain[-1] else part.strip())
    return tuple(chain)

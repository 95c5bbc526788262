"""Groups for products that have no category: what is called alike, and is bought in turns rather than together.

Two products replace each other when the same customers buy both, on different days: a need that one of them ended
does not come back for the other. Chance and taste do that too (whoever has a dog buys food and bags), so a title has to
agree first. Groups are kept small: a wrong link then costs little.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.arrays import Codes, Floats, Ids, codes_of
from models.catalogue import Catalogue

if TYPE_CHECKING:
    from models.time_to_event.lines import Lines

LEARNED = "learned:"
"""How the id of a learned group begins; the first of its products follows."""

Words = frozenset[str]
_WORD = re.compile(r"[^\W\d_]{3,}")
_SIZES = frozenset(("pack", "packs", "pcs", "piece", "pieces", "count", "bottle", "box", "bag", "can", "шт"))


@dataclass(frozen=True)
class Substitutes:
    """How alike titles must be (`alike`, a cosine of their words), or `similar` where purchases speak for it: at least
    `buyers` customers took both, `lift` times more than chance, and mostly in turns: at most the share `together` of
    the orders with the rarer one had the other as well. What is together in most orders is never one group.

    A group holds at most `largest` different wordings.
    """

    alike: float = 0.8
    similar: float = 0.6
    buyers: int = 5
    lift: float = 3.0
    together: float = 0.15
    largest: int = 20

    def names(self, names: Ids, alone: NDArray[np.bool_], catalogue: Catalogue, ids: Ids, lines: "Lines") -> Ids:
        """The group names (products,) of `ids`, with learned ones for those that are `alone` and find company."""
        rows = np.flatnonzero(alone)
        nodes, node_of = _wordings(catalogue, ids[rows])
        if not nodes:
            return names
        products = np.full(len(ids), -1, np.int32)
        products[rows] = node_of
        clusters = self._clusters(_likeness(nodes, self.similar), *_purchases(products, len(nodes), ids, lines))
        named = names.copy()
        found = np.where(node_of >= 0, clusters[node_of], -1)
        order = rows[np.argsort(found, kind="stable")]
        for members in np.split(order, np.flatnonzero(np.diff(np.sort(found))) + 1):
            if len(members) > 1 and products[members[0]] >= 0:
                named[members] = f"{LEARNED}{min(ids[members])}"
        return named

    def _clusters(self, alike: sparse.coo_matrix, customers: sparse.csc_matrix, orders: sparse.csc_matrix) -> Codes:
        """The cluster of each wording: links from the strongest on, as long as groups stay small."""
        one, other = alike.row, alike.col
        shared, both = _together(customers, one, other), _lift(customers, one, other)
        bundled = _overlap(orders, one, other)
        spoken = shared >= self.buyers
        bought = spoken & (both >= self.lift) & (bundled <= self.together)
        kept = ((alike.data >= self.alike) & ~(spoken & (bundled > 0.5))) | bought
        strength = alike.data[kept] * (1.0 + np.log1p(np.minimum(both[kept], 10.0)))
        leader = np.arange(alike.shape[0])
        sizes = np.ones(alike.shape[0], np.int64)

        def root(node: int) -> int:
            while leader[node] != node:
                leader[node] = leader[leader[node]]
                node = leader[node]
            return node

        for place in np.lexsort((other[kept], one[kept], -strength)):
            a, b = sorted((root(one[kept][place]), root(other[kept][place])))
            if a != b and sizes[a] + sizes[b] <= self.largest:
                leader[b] = a
                sizes[a] += sizes[b]
        return np.array([root(node) for node in range(len(leader))], np.int32)


def same_wording(catalogue: Catalogue, ids: Ids, names: Ids, new: NDArray[np.bool_]) -> Ids:
    """`names` (products,) of `ids`, in which a `new` product is of the learned group of one with the same wording."""
    nodes, node_of = _wordings(catalogue, ids)
    if not nodes:
        return names
    group = np.full(len(nodes), "", object)
    learned = ~new & (node_of >= 0) & np.array([name.startswith(LEARNED) for name in names.tolist()], bool)
    group[node_of[learned]] = names[learned]
    joins = new & (node_of >= 0) & (group[node_of] != "")
    return np.where(joins, group[node_of], names)


def wording(title: str | None, brand: str | None) -> Words:
    """The words that say what a product is: no numbers, no sizes, not the brand.

    >>> sorted(wording("Danone yoghurt strawberry, 4x125 g", "Danone"))
    ['strawberry', 'yoghurt']
    """
    return frozenset(_WORD.findall((title or "").lower())) - frozenset(_WORD.findall((brand or "").lower())) - _SIZES


def _wordings(catalogue: Catalogue, ids: Ids) -> tuple[list[Words], Codes]:
    """The different wordings, in the order of their words, and which of them each product has; -1 for none."""
    each = list(map(wording, catalogue.text("title", ids), catalogue.text("brand", ids)))
    nodes = sorted(set(each) - {frozenset()}, key=sorted)
    code = {node: place for place, node in enumerate(nodes)}
    return nodes, np.array([code.get(words, -1) for words in each], np.int32)


def _likeness(nodes: list[Words], least: float) -> sparse.coo_matrix:
    """The cosine of rare words for every two wordings that reach `least`, each pair once."""
    terms = {term: place for place, term in enumerate(sorted(set().union(*nodes)))}
    rows = np.repeat(np.arange(len(nodes)), [len(node) for node in nodes])
    columns = np.array([terms[term] for node in nodes for term in sorted(node)])
    counts = np.bincount(columns, minlength=len(terms))
    weights = np.log1p(len(nodes) / counts)[columns]
    norms = np.sqrt(np.bincount(rows, weights**2))
    words = sparse.csr_matrix((weights / norms[rows], (rows, columns)), (len(nodes), len(terms)))
    found = sparse.triu(words @ words.T, k=1).tocoo()
    kept = found.data >= least
    return sparse.coo_matrix((found.data[kept], (found.row[kept], found.col[kept])), found.shape)


def _purchases(products: Codes, nodes: int, ids: Ids, lines: "Lines") -> tuple[sparse.csc_matrix, sparse.csc_matrix]:
    """Which customers, and which customers' days, had which wording: 1 where they had."""
    places = codes_of(lines.product_ids, ids)[lines.products]
    node = np.where(places >= 0, products[places], -1)
    kept = node >= 0
    customers, days = lines.customers[kept].astype(np.int64), lines.days[kept].astype(np.int64)
    first = int(days.min(initial=0))
    orders = np.unique(customers * (int(days.max(initial=0)) - first + 1) + days - first, return_inverse=True)[1]
    return _binary(customers, node[kept], nodes), _binary(orders, node[kept], nodes)


def _binary(rows: NDArray[np.int64], columns: Codes, width: int) -> sparse.csc_matrix:
    height = int(rows.max(initial=-1)) + 1
    matrix = sparse.csc_matrix((np.ones(len(rows)), (rows, columns)), (height, width))
    matrix.data[:] = 1.0
    return matrix


def _together(matrix: sparse.csc_matrix, one: Codes, other: Codes) -> Floats:
    """In how many rows each pair of columns stands."""
    if not len(one):
        return np.empty(0)
    step = 100_000
    parts = [
        np.asarray(matrix[:, one[at : at + step]].multiply(matrix[:, other[at : at + step]]).sum(axis=0)).ravel()
        for at in range(0, len(one), step)
    ]
    return np.concatenate(parts)


def _lift(matrix: sparse.csc_matrix, one: Codes, other: Codes) -> Floats:
    """How many times more often than by chance each pair of columns stands in one row."""
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    chance = counts[one] * counts[other] / max(matrix.shape[0], 1)
    return np.where(chance > 0, _together(matrix, one, other) / np.maximum(chance, 1e-12), 0.0)


def _overlap(matrix: sparse.csc_matrix, one: Codes, other: Codes) -> Floats:
    """The share of rows with the rarer column that have the other as well."""
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    return _together(matrix, one, other) / np.maximum(np.minimum(counts[one], counts[other]), 1.0)

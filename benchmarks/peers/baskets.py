"""The formulas of TIFUKNN and UPCF for all customers at once, from sparse matrices: vectors, neighbours, scores."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.peers.exchange import Codes, Lines

_CHUNK = 256
_ALIKE = 99
"""The customer himself and the 98 next to him: cornac takes a hundred, of whom two are he."""


def frequency_vectors(lines: Lines, within: float, group: float, groups: int) -> csr_matrix:
    """(customers, items): TIFUKNN's personal item frequency, as cornac weights it.

    A basket counts `within` to the power of the baskets after it. The history is cut into `groups` of one length, the
    later ones a basket longer where it does not divide evenly; a group's mean counts `group` to the power of the groups
    after it, and the sum is divided by the number of groups.
    """
    places, sizes = _places(lines)
    base, extra = sizes // groups, sizes % groups
    small = (groups - extra) * base
    number = np.where(places < small, places // np.maximum(base, 1), groups - extra + (places - small) // (base + 1))
    length = np.where(places < small, base, base + 1)
    short = sizes < groups
    number, length = np.where(short, places, number), np.where(short, 1, length)
    used = np.minimum(sizes, groups)
    faded = within ** (sizes - places - 1.0) * group ** (groups - number - 1.0)
    return _summed(lines, np.asarray(faded / length / used, np.float64))


def recent_popularity(lines: Lines, recency: int) -> csr_matrix:
    """(customers, items): UPCF's share of a customer's last `recency` baskets that hold a product; 0 means all."""
    places, sizes = _places(lines)
    counted = np.minimum(sizes, recency) if recency else sizes
    return _summed(lines, np.where(sizes - places <= counted, 1 / counted, 0))


def nearest(vectors: csr_matrix, asked: Codes, count: int) -> csr_matrix:
    """(asked, customers): the mean over the `count` nearest by Euclidean distance, the customer himself among them."""
    count = min(count, vectors.shape[0])
    lengths = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    found = []
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        distances = lengths[None, :] - 2 * (vectors[chunk] @ vectors.T).toarray()
        found.append(np.argpartition(distances, count - 1, axis=1)[:, :count].ravel())
    rows = np.repeat(np.arange(len(asked)), count)
    cells = (np.full(len(rows), 1 / count), (rows, np.concatenate(found)))
    return csr_matrix(cells, shape=(len(asked), vectors.shape[0]))


def alike(lines: Lines, asymmetry: float, locality: int) -> csr_matrix:
    """(customers, customers), rows of the asked: UPCF's asymmetric cosine of what two ever bought, to the `locality`.

    cornac puts the asked customer beside himself, so that he counts twice.
    """
    owned = _summed(lines, np.ones(len(lines.items)))
    owned.data[:] = 1
    sizes = np.maximum(np.asarray(owned.sum(axis=1)).ravel(), 1)
    columns, values = [], []
    width = min(_ALIKE, lines.customer_count)
    for start in range(0, len(lines.asked), _CHUNK):
        chunk = lines.asked[start : start + _CHUNK]
        common = (owned[chunk] @ owned.T).toarray()
        shared = (common / (sizes[chunk, None] ** asymmetry * sizes[None, :] ** (1 - asymmetry))) ** locality
        shared[np.arange(len(chunk)), chunk] *= 2
        best = np.argsort(-shared, axis=1, kind="stable")[:, :width]
        columns.append(best.ravel())
        values.append(np.take_along_axis(shared, best, axis=1).ravel())
    cells = (np.concatenate(values), (np.repeat(lines.asked, width), np.concatenate(columns)))
    return csr_matrix(cells, shape=(lines.customer_count, lines.customer_count))


@lru_cache(maxsize=1)
def _places(lines: Lines) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every line the place of its basket in the customer's history, from 0, and how many baskets that has."""
    width = int(lines.baskets.max()) + 1
    known, back = np.unique(lines.customers.astype(np.int64) * width + lines.baskets, return_inverse=True)
    firsts = np.searchsorted(known // width, np.arange(lines.customer_count + 1))
    return back - firsts[lines.customers], np.diff(firsts)[lines.customers]


@lru_cache(maxsize=1)
def _once(lines: Lines) -> NDArray[np.int64]:
    """The lines that count: each product once a basket, as the formulas have it."""
    cells = lines.baskets.astype(np.int64) * lines.item_count + lines.items
    return np.asarray(np.unique(cells, return_index=True)[1], np.int64)


def _summed(lines: Lines, weights: NDArray[np.float64]) -> csr_matrix:
    first = _once(lines)
    cells = (weights[first], (lines.customers[first], lines.items[first]))
    summed = csr_matrix(cells, shape=(lines.customer_count, lines.item_count))
    summed.eliminate_zeros()
    return summed

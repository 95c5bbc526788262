"""Vectors of products from what stands near them in sequences: where training may begin, instead of anywhere.

Levy and Goldberg, "Neural word embedding as implicit matrix factorization" (NeurIPS 2014): the singular vectors of the
mutual information of neighbours, where it is positive, are what word2vec looks for. Whoever begins there need not learn
first which products belong together, for which many products of a small shop are met too rarely.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from models.recommenders.transformer import unit

_POWER = 0.75
"""To what power a number of meetings that chance would bring counts. Two rare products are expected together less than
once; below 1 that counts for more, so a pair has to be met some times before chance is ruled out. It is not the paper's
smoothing, which is of how often each product stands near others."""


def step_vectors(
    indptr: NDArray[np.int64],
    items: NDArray[np.int32],
    count: int,
    factors: int,
    window: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Vectors of length 1 (count, factors) of `count` products, from sequences in CSR.

    A pair d steps apart counts 1 / d, up to `window` steps. Zeros where a product has no neighbours, and in columns
    that the data do not fill; `rng` draws where the search begins.
    """
    near = neighbours(indptr, items, count, window)
    found = np.zeros((count, factors), np.float32)
    columns = min(factors, count - 1)
    if columns < 1 or not near.nnz:
        return found
    sums = np.asarray(near.sum(axis=0)).ravel()
    cells = near.tocoo()
    expected = (sums[cells.row] * sums[cells.col] / sums.sum()) ** _POWER
    told = np.maximum(np.log(cells.data / expected), 0)
    left, strengths, _ = svds(
        csr_matrix((told, (cells.row, cells.col)), shape=near.shape), columns, v0=rng.standard_normal(count)
    )
    found[:, :columns] = unit((left * np.sqrt(strengths)).astype(np.float32))
    return found


def neighbours(
    indptr: NDArray[np.int64], items: NDArray[np.int32], count: int, window: int
) -> "csr_matrix[np.float64]":
    """How often two products stand near each other, both ways (count, count); one distance at a time is in memory."""
    owners = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    near = csr_matrix((count, count))
    for apart in range(1, window + 1):
        together = owners[apart:] == owners[:-apart]
        cells = (items[:-apart][together], items[apart:][together])
        near = near + csr_matrix((np.full(len(cells[0]), 1 / apart), cells), shape=(count, count))
    return csr_matrix(near + near.T)

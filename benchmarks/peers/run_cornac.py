"""cornac's next-basket models TIFUKNN and UPCF, which it scores customer by customer on dense vectors.

    python -m benchmarks.peers.run_cornac FOLDER SECONDS

At 65,000 products that takes hours, so their formulas are computed here for all customers at once from sparse
matrices, and every run first compares the vectors of some customers with those of cornac's classes. Two things differ
on purpose. cornac 3.0.1 adds to a customer's TIFUKNN vector one number, the mean over all neighbours and products, so
that neighbours move nothing in the order; here, as in the paper, every product gets the mean of the neighbours for it.
And its UPCF multiplies matrices by a library that breaks off at this size; here scipy does.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from cornac.models import TIFUKNN, UPCF
from scipy.sparse import csr_matrix

from benchmarks.peers.baskets import alike, frequency_vectors, nearest, recent_popularity
from benchmarks.peers.exchange import Codes, Lines, ranked, serve

_COMPARED = 3


def tifuknn(
    lines: Lines, n_neighbors: int, within_decay_rate: float, group_decay_rate: float, alpha: float, n_groups: int
) -> tuple[Codes, Codes]:
    """Hu, He, Gao and Zhang, "Modeling personalized item frequency information for next-basket recommendation"."""
    vectors = frequency_vectors(lines, within_decay_rate, group_decay_rate, n_groups)
    own = TIFUKNN(within_decay_rate=within_decay_rate, group_decay_rate=group_decay_rate, n_groups=n_groups)
    own.iid_map = range(lines.item_count)
    _compare(lines, vectors, own._compute_user_vector)
    mean = nearest(vectors, lines.asked, n_neighbors) @ vectors
    row = np.full(lines.customer_count, -1)
    row[lines.asked] = np.arange(len(lines.asked))
    return ranked(lines, lambda who: (alpha * vectors[who] + (1 - alpha) * mean[row[who]]).toarray())


def upcf(lines: Lines, recency: int, locality: int, asymmetry: float) -> tuple[Codes, Codes]:
    """Faggioli, Polato and Aiolli, "Recency aware collaborative filtering for next basket recommendation"."""
    popularity = recent_popularity(lines, recency)
    own = UPCF(recency=recency)
    own.iid_map = range(lines.item_count)
    _compare(lines, popularity, lambda history: own._get_user_wise_popularity(history).toarray().ravel())
    scored = alike(lines, asymmetry, locality) @ popularity
    return ranked(lines, lambda who: scored[who].toarray())


def _compare(lines: Lines, vectors: csr_matrix, own: Any) -> None:
    """Raise when the first customers' vectors are not those that cornac computes from their baskets."""
    for customer in lines.asked[:_COMPARED]:
        expected = own(_history(lines, int(customer)))
        if not np.allclose(vectors[customer].toarray().ravel(), expected, rtol=1e-4, atol=1e-7):
            raise RuntimeError(f"customer {customer}: the vector from sparse matrices is not that of cornac")


def _history(lines: Lines, customer: int) -> list[list[int]]:
    mine = np.flatnonzero(lines.customers == customer)
    order = mine[np.argsort(lines.baskets[mine], kind="stable")]
    _, starts = np.unique(lines.baskets[order], return_index=True)
    bounds = [*starts.tolist(), len(order)]
    return [lines.items[order[start:end]].tolist() for start, end in pairwise(bounds)]


if __name__ == "__main__":
    serve({"tifuknn": tifuknn, "upcf": upcf})

"""How lines of orders become the matrix that a peer is fitted on; tuning chooses it, as it does for ours."""

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.peers.exchange import Lines


def matrix(lines: Lines, half_life: float | None = None, power: float = 1.0) -> csr_matrix:
    """(customers, items): lines halved every `half_life` days behind the newest, added up, to the `power`."""
    faded = np.exp2((lines.days - lines.days.max()) / half_life) if half_life else 1.0
    values = lines.weights * faded
    shape = (lines.customer_count, lines.item_count)
    summed = csr_matrix((values, (lines.customers, lines.items)), shape=shape)
    summed.sum_duplicates()
    summed.data **= power
    return summed

"""Lines: the products that an answer is to go with, from the cart or page, or from what the customer did last."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.recommenders.base import Query
from models.recommenders.vocabulary import Vocabulary


@dataclass(frozen=True)
class Lines:
    """`products` are distinct codes, `weights` what each counts.

    `entries` are the places in the query's history that stand for a line, `owners` the index into `products` of each.
    """

    products: NDArray[np.int64]
    weights: Floats
    entries: NDArray[np.int64]
    owners: NDArray[np.int64]
    length: int

    @classmethod
    def of_context(cls, query: Query, vocabulary: Vocabulary) -> "Lines":
        """The whole cart, each product once; a history entry stands for a line if none with its product is newer."""
        codes = vocabulary.codes(query.context_ids)
        products = np.unique(codes[codes >= 0]).astype(np.int64)
        own = vocabulary.codes(query.history_ids)
        entries = np.flatnonzero(np.isin(own, products))
        owners = np.searchsorted(products, own[entries])
        newest = np.full(len(products), -np.inf)
        np.maximum.at(newest, owners, query.days[entries])
        kept = query.days[entries] == newest[owners]
        return cls(products, np.ones(len(products)), entries[kept], owners[kept], len(own))

    @classmethod
    def of_latest(cls, query: Query, vocabulary: Vocabulary, session: float) -> "Lines":
        """What the customer did in the `session` days up to his latest interaction, by the strongest with a product."""
        own = vocabulary.codes(query.history_ids)
        days = np.minimum(query.days, query.day)
        known = own >= 0
        newest = days[known].max() if known.any() else query.day
        entries = np.flatnonzero(known & (days >= newest - session))
        products, owners = np.unique(own[entries], return_inverse=True)
        weights = np.zeros(len(products))
        np.maximum.at(weights, owners, query.weights[entries])
        return cls(products.astype(np.int64), weights, entries, owners, len(own))

    def shared_out(self, added: Floats) -> Floats:
        """From (products, items) to (length, items): the entries of a line share alike what it added."""
        shares = np.zeros((self.length, added.shape[1]))
        counts = np.bincount(self.owners, minlength=len(self.products))
        shares[self.entries] = added[self.owners] / counts[self.owners][:, None]
        return shares

"""The answers of a peer behind the Protocol of the recommenders, so that one code judges all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask, codes_of
from models.catalogue import Catalogue
from models.recommenders.base import Query, Ranking


@dataclass(frozen=True)
class Answered:
    """`repeats` and `new` (queries, depth) are codes of `item_ids`, best first, -1 for none: what was answered to
    `queries` with everything allowed, and when what a customer has had is forbidden."""

    name: str
    item_ids: Ids
    until: float
    queries: tuple[Query, ...]
    repeats: Codes
    new: Codes
    _places: dict[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {id(query): place for place, query in enumerate(self.queries)})

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """What was answered to each of `queries`, which must be the very ones that the peer was asked.

        Raises ValueError when the peer gave something that `allow` forbids.
        """
        places = [self._places[id(query)] for query in queries]
        codes = (self.repeats if allow is None else self.new)[places, :k]
        if allow is not None:
            rows = np.broadcast_to(allow, (len(queries), len(self.item_ids)))
            if not np.take_along_axis(rows, np.maximum(codes, 0).astype(np.int64), axis=1)[codes >= 0].all():
                raise ValueError(f"{self.name} answered with products that were forbidden")
        order = np.argsort(codes < 0, axis=1, kind="stable")
        codes = np.take_along_axis(codes, order, axis=1)
        nothing = np.array(None, object)
        ids = np.where(codes >= 0, self.item_ids[codes], nothing)
        scores = np.where(codes >= 0, -np.arange(codes.shape[1], dtype=np.float64), -np.inf)
        return Ranking(ids, scores, np.where(codes >= 0, np.array(self.name, object), nothing))

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:  # noqa: ARG002
        """Nothing: nobody asked."""
        empty = np.full((len(item_ids), k), None, object)
        return Ranking(empty, np.full(empty.shape, -np.inf), empty)

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """Not told by the peer."""
        return np.zeros((len(query.history_ids), len(item_ids)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The answers."""
        return {"item_ids": self.item_ids, "repeats": self.repeats, "new": self.new}

    def extended(self, catalogue: Catalogue) -> "Answered":
        """As it is: there are no answers about other products."""
        unknown = codes_of(catalogue.item_ids, self.item_ids) < 0
        if unknown.any():
            raise ValueError(f"{self.name} was not asked about {catalogue.item_ids[unknown][0]}; fit the peer again")
        return self

"""What a recommender is: fitted on interactions, asked with a history, answering with a ranking. Read this page first.

The history travels in the query, so a visitor first seen a second ago is served without retraining, and a model never
stores customers. Everything else in this folder is a variation on the two Protocols at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats, Ids, Mask
from models.catalogue import Catalogue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days(moment: datetime) -> float:
    """Days since 1970 in UTC with a fraction: the clock of the models.

    >>> days(datetime(1970, 1, 2, 12, tzinfo=UTC))
    1.5
    """
    return (moment - _EPOCH) / timedelta(days=1)


@dataclass(frozen=True)
class Interactions:
    """Who wanted what, when and how much: one entry a line of an event, in any order.

    `customers` and `items` are codes; `item_ids` is sorted, so that ties by code are ties by id. `days` are days since
    1970 in UTC with a fraction, `weights` are positive. Nobody may bring a code outside the ids, or an interaction
    after `until` (in days): that is how a leak would look.

    `orders` tells which lines were bought together: the code of an order, -1 for a line that was not bought (a view, a
    product put into a cart). None when orders are not known. `catalogue` describes `item_ids` as of `until`, `past` as
    of earlier days, oldest first, for models that learn from several moments; bare when the shop has told nothing.
    """

    customers: Codes
    items: Codes
    days: Floats
    weights: Floats
    item_ids: Ids
    customer_count: int
    until: float
    orders: Codes | None = None
    catalogue: Catalogue = field(default_factory=Catalogue.bare)
    past: tuple[Catalogue, ...] = ()

    def __post_init__(self) -> None:
        if self.orders is not None and len(self.orders) != len(self.items):
            raise ValueError(
                f"{len(self.orders)} orders for {len(self.items)} interactions; give -1 where there is none"
            )
        if any(catalogue.day > self.until for catalogue in (self.catalogue, *self.past)):
            raise ValueError(
                f"a catalogue of a day after until={self.until:.3f} would leak; describe the products as of then"
            )
        lengths = {len(self.customers), len(self.items), len(self.days), len(self.weights)}
        if len(lengths) != 1:
            raise ValueError(f"interactions need columns of one length, found {sorted(lengths)}")
        if len(self.items) and not 0 <= self.items.min() <= self.items.max() < len(self.item_ids):
            raise ValueError("an item code lies outside item_ids; build the codes from the same ids")
        if len(self.customers) and not 0 <= self.customers.min() <= self.customers.max() < self.customer_count:
            raise ValueError("a customer code lies outside customer_count")
        if len(self.days) and self.days.max() > self.until:
            raise ValueError(f"an interaction on day {self.days.max():.3f} lies after until={self.until:.3f}")
        if not (self.weights > 0).all():
            raise ValueError("weights must be positive; drop what should not count")
        if not (self.item_ids[:-1] < self.item_ids[1:]).all():
            raise ValueError("item_ids must be sorted and without doubles")

    def before(self, day: float) -> "Interactions":
        """What was known on `day`: the earlier interactions, and the newest catalogue of that day or before it."""
        kept = self.days < day
        known = [catalogue for catalogue in (*self.past, self.catalogue) if catalogue.day <= day]
        return replace(
            self,
            customers=self.customers[kept],
            items=self.items[kept],
            days=self.days[kept],
            weights=self.weights[kept],
            orders=None if self.orders is None else self.orders[kept],
            until=min(day, self.until),
            catalogue=known[-1] if known else Catalogue.bare(),
            past=tuple(known[:-1]),
        )


@dataclass(frozen=True)
class Query:
    """Everything a model may know about one request; nothing is looked up behind its back.

    `history_ids` holds an entry for each interaction (repeats included) with its `days` and `weights`, as in
    `Interactions`; `context_ids` are the products that the answer is to go with, as on a product's page or in a cart,
    and `text` is what was searched for; `day` is the time of the request in days since 1970. Products that the model
    does not know are passed over, and an interaction after `day` counts as one of this moment.

    >>> Query(day=17_000.5).history_ids.size
    0
    """

    day: float
    history_ids: Ids = field(default_factory=lambda: np.empty(0, object))
    days: Floats = field(default_factory=lambda: np.empty(0))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    context_ids: tuple[str, ...] = ()
    text: str | None = None

    def __post_init__(self) -> None:
        if not len(self.history_ids) == len(self.days) == len(self.weights):
            found = f"{len(self.history_ids)} ids, {len(self.days)} days, {len(self.weights)} weights"
            raise ValueError(f"a history needs an id, a day and a weight for each entry, found {found}")


@dataclass(frozen=True)
class Ranking:
    """The answer to n queries: `ids` and `scores` of shape (n, k), best first, ties by id.

    Scores compare within one source of one row and nowhere else.

    `sources` names the recommender that each item came from. A row that has fewer than k answers is padded at its end
    with id None, score -inf and source None.
    """

    ids: Ids
    scores: Floats
    sources: Ids

    def __post_init__(self) -> None:
        if not self.ids.shape == self.scores.shape == self.sources.shape:
            raise ValueError(f"shapes differ: {self.ids.shape}, {self.scores.shape}, {self.sources.shape}")

    def row(self, index: int) -> list[tuple[str, float, str]]:
        """The answers to one query as (id, score, source), without the padding."""
        answers = zip(self.ids[index], self.scores[index], self.sources[index], strict=True)
        return [(str(id_), float(score), str(source)) for id_, score, source in answers if id_ is not None]


class FittedRecommender(Protocol):
    """Holds arrays and answers; frozen, so it can be shared by threads.

    Laws, which the contract suite states for every member: a batch answers as its queries one by one; `allow` is
    applied before top-k; an empty or unknown history gets an answer, if an empty one; saving and loading changes
    nothing.
    """

    @property
    def name(self) -> str:
        """The source that is named in answers, e.g. `rp3beta`."""
        ...

    @property
    def item_ids(self) -> Ids:
        """The products it can recommend, sorted; `allow` masks are over these."""
        ...

    @property
    def until(self) -> float:
        """The end of what it learned from, in days since 1970: whoever evaluates it looks here for a leak."""
        ...

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        """The k best products for each query among those allowed; `allow` has shape (items,) or (n, items)."""
        ...

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        """The k products nearest to each given one, itself left out; an unknown product gets an empty row."""
        ...

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        """How much each history entry adds to each item's score, shape (history, items): the reason for an item.

        Linear kernels sum over the history to the score; a model without a personal part answers zeros.
        """
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was fitted, by name, for `npz`."""
        ...

    def extended(self, catalogue: Catalogue) -> "FittedRecommender":
        """The same model over its own products and those of `catalogue`, as the shop describes them now.

        What it answers about its own products stays as it is, apart from what `catalogue` says of them; a product that
        nobody has touched yet can be in its answers if the model reads the catalogue, and gets no score from it else.
        """
        ...


class Recommender(Protocol):
    """A recipe: a frozen dataclass of hyper-parameters, whose defaults are tuned ones."""

    name: ClassVar[str]

    def fit(self, interactions: Interactions) -> FittedRecommender:
        """Learn from everything in `interactions`."""
        ...

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedRecommender:
        """The fitted model whose `arrays()` were saved."""
        ...

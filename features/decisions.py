"""What Kairos answered, as the decision log keeps it: the payloads that training reads back."""

import msgspec

RECOMMENDATION = "recommendation"
"""The type of the records that hold a `Shown`."""


class ShownItem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product of an answer, in the order of the answer. `source` is the recommender that it came from.

    `propensity` is the probability with which an `explored` product stood in this answer at all, wherever; any other
    was certain.
    """

    product_id: str
    score: float
    source: str
    reason: str | None = None
    promoted: bool = False
    explored: bool = False
    propensity: float | None = None


class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer with recommendations; the record's key is its `recommendation_id`.

    `context_ids` are the products that were on the page or in the cart, `history_length` is how many interactions were
    known of the visitor.

    >>> shown = Shown(placement="home", strategy="popularity", model="recommender", model_version="1", items=())
    >>> msgspec.json.decode(msgspec.json.encode(shown), type=Shown) == shown
    True
    """

    placement: str
    strategy: str
    model: str
    model_version: str
    items: tuple[ShownItem, ...]
    context_ids: tuple[str, ...] = ()
    excluded_ids: tuple[str, ...] = ()
    category: str | None = None
    query: str | None = None
    location_id: str | None = None
    filter: str | None = None
    history_length: int = 0
    fallback: str | None = None
    degraded_reason: str | None = None
    device: str | None = None
    locale: str | None = None
    timezone: str | None = None

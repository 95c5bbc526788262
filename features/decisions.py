"""What Kairos answered, as the decision log keeps it: the payloads that training reads back."""

import msgspec


class ShownItem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product of an answer, in the order of the answer. `source` is the recommender that it came from."""

    product_id: str
    score: float
    source: str
    reason: str | None = None


class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer with recommendations; the record's key is its `recommendation_id`.

    `context_ids` are the products that were on the page, `history_length` is how many interactions the model was given.

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
    history_length: int = 0
    fallback: str | None = None
    degraded_reason: str | None = None
    device: str | None = None
    locale: str | None = None
    timezone: str | None = None

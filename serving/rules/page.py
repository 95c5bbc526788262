"""What the rules may know of one request, and what they make of it: a page comes in, slots go out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from models.arrays import Floats, Ids


@dataclass(frozen=True)
class Page:
    """One request, as the rules see it. The history is what the visitor did, not what a model is asked with.

    `day` is the time of the request in days since 1970; `history_ids` hold an entry an interaction with its `days` and
    `weights` (`features.events.INTERACTION_WEIGHTS`). `category` keeps to that path and what lies below, `location_id`
    to what is in stock there. `filter` is the request's own, beside that of the rules. `shown` counts how often a
    product was shown within the time of the rotation without a click. What is drawn follows from `seed`: a generator
    for each page would cost 8 µs, and most pages draw nothing.
    """

    day: float
    history_ids: Ids = field(default_factory=lambda: np.empty(0, object))
    days: Floats = field(default_factory=lambda: np.empty(0))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    cart_ids: tuple[str, ...] = ()
    context_ids: tuple[str, ...] = ()
    excluded_ids: tuple[str, ...] = ()
    category: str | None = None
    location_id: str | None = None
    filter: str | None = None
    shown: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0


class Slot(msgspec.Struct, frozen=True):
    """One place of the answer. `propensity` is that of an explored product, None for any other: see `exploration`."""

    item_id: str
    score: float
    source: str
    promoted: bool = False
    explored: bool = False
    propensity: float | None = None

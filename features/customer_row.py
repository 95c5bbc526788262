"""What Feast's store knows of a customer, for whoever is handed it: the store itself brings Feast, and that torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class CustomerRow:
    """A customer's features by name: lists are arrays, what is not known is None.

    They are as of `event_timestamp`: no event from then on is in them; `created` is when they were computed. Of
    features of two views it is the older moment, and the newer view may know a little more.
    """

    customer_id: str
    values: Mapping[str, Any]
    event_timestamp: datetime
    created: datetime

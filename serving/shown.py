"""What Kairos itself showed a person lately, from the decision log: for placements that rotate."""

from collections import Counter
from datetime import datetime

import msgspec
import numpy as np

from features.decisions import RECOMMENDATION, Shown
from features.log import Log, moment
from features.person import Person
from models.arrays import Floats, Ids
from models.recommenders.base import days

_MOST_ANSWERS = 200
_EVERYTHING = 2**62


def shown_lately(
    decisions: Log, person: Person, since: datetime, ids: Ids, moments: Floats, before: datetime | None = None
) -> dict[str, int]:
    """How often each product was shown from `since` on, in the latest 200 answers, and then not touched.

    With `before` only what was shown before it counts, so that an answer as of then does not heed what came later.

    `ids` and `moments` are the person's interactions, oldest first: whoever clicks, adds or buys after having seen a
    product was not bored by it.
    """
    touched = dict(zip(ids, moments, strict=True))
    counts: Counter[str] = Counter()
    found = decisions.of_person(person.user_ids, person.anonymous_ids, _EVERYTHING, _MOST_ANSWERS, since, before=before)
    for record in found:
        if record.type != RECOMMENDATION or (record.user_id is not None and record.user_id not in person.user_ids):
            continue
        at = days(moment(record.occurred_at))
        items = msgspec.json.decode(record.payload, type=Shown).items
        counts.update(item.product_id for item in items if touched.get(item.product_id, -np.inf) < at)
    return dict(counts)

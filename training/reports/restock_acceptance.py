"""What customers said of prepared carts, by how sure the forecasts behind them were."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from features.decisions import RESTOCK_CART, PreparedCart
from features.events import RESTOCK_FEEDBACK
from features.log import Log, Record, from_record, microseconds, moment
from features.reports.restock_calendar import Acceptance
from features.reports.stretch import NEWEST
from features.simulated import is_made
from training.reports.beginning import beginning
from training.reports.wilson import share

SINCE = timedelta(days=NEWEST.days)
"""Older carts were made by versions that are long gone."""

ORDER = ("high", "medium", "low", "none", None)
_BATCH = 10_000
_TAKEN = ("ordered", "edited")


@dataclass(frozen=True)
class Accepted:
    """The acceptance by confidence, the surest first, and of how many carts since when; `made` of these were prepared
    for customers behind whom nobody stands."""

    carts: int
    since: datetime
    by_confidence: tuple[Acceptance, ...]
    made: int


class _Cart(NamedTuple):
    """The confidence of each product in a cart."""

    id: str
    at: int
    items: Mapping[str, str | None]
    made: bool


def accepted(events: Log, decisions: Log, as_of: datetime, most: int = NEWEST.most) -> Accepted:
    """Of the newest `most` carts that were prepared in the `SINCE` before `as_of`, as far as was said before `as_of`.

    An item is a proposal; what was said of it last counts. A rejected cart rejects all of its items, and one that was
    ordered as it was takes all of them. Neither log is read where it is older than that.
    """
    since = as_of - SINCE
    prepared = deque(_carts(decisions, since, as_of), most + 1)
    if len(prepared) > most:
        prepared.popleft()
        since = moment(min(cart.at for cart in prepared))
    carts = {cart.id: cart.items for cart in prepared}
    said = _said(events, carts, since, as_of)
    proposed: Counter[str | None] = Counter()
    words: Counter[tuple[str | None, str]] = Counter()
    for cart_id, items in carts.items():
        for product_id, confidence in items.items():
            proposed[confidence] += 1
            if (word := said.get((cart_id, product_id))) is not None:
                words[confidence, word] += 1
    rows = tuple(_row(each, proposed[each], words) for each in ORDER if proposed[each])
    return Accepted(len(carts), since, rows, sum(cart.made for cart in prepared))


def _row(confidence: str | None, proposed: int, words: Mapping[tuple[str | None, str], int]) -> Acceptance:
    ordered, edited, rejected = (words.get((confidence, word), 0) for word in (*_TAKEN, "rejected"))
    taken = ordered + edited
    return Acceptance(confidence, proposed, ordered, edited, rejected, share(taken, taken + rejected))


def _carts(decisions: Log, since: datetime, until: datetime) -> Iterator[_Cart]:
    first, last, after = microseconds(since), microseconds(until), beginning(decisions, since)
    while records := decisions.read(after, _BATCH, (RESTOCK_CART,)):
        after = records[-1].position
        for record in records:
            if first <= record.occurred_at < last:
                cart = msgspec.json.decode(record.payload, type=PreparedCart)
                if cart.items:
                    items = {item.product_id: item.confidence for item in cart.items}
                    yield _Cart(record.key, record.occurred_at, items, is_made(record.user_id))


def _said(
    events: Log, carts: Mapping[str, Mapping[str, str | None]], since: datetime, until: datetime
) -> Mapping[tuple[str, str], str]:
    """The last word on each product of each cart: the latest counts, of one moment what the log has later."""
    found: dict[tuple[str, str], tuple[int, int, str]] = {}
    for record in _feedback(events, since) if carts else ():
        event = from_record(record)
        cart_id, word = event.body.cart_id, event.body.feedback
        if event.occurred_at >= until or cart_id is None or cart_id not in carts or word is None:
            continue
        for line in event.body.lines:
            key, told = (cart_id, line.product_id), (record.occurred_at, record.position, word)
            found[key] = max(found.get(key, told), told)
    return {key: word for key, (_, _, word) in found.items()}


def _feedback(events: Log, since: datetime) -> Iterator[Record]:
    after = beginning(events, since)
    while records := events.read(after, _BATCH, (RESTOCK_FEEDBACK,)):
        after = records[-1].position
        yield from records

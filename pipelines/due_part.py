"""Who of one part of all customers is due, each with a prepared cart, by the service's own code, into files."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from heapq import nlargest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.database import open_database
from features.identity import Identities
from features.log import EVENTS, Log
from features.person import Person
from features.privacy.unlisted import Unlisted
from features.restock_table import RestockTable, read
from features.results import written
from models.arrays import Mask
from models.published import PublishedReplenishment
from models.time_to_event.forecast import Forecasts
from pipelines.export import Export, subject_of, table_of
from serving.bundle import Shelf
from serving.restock.customer import customer_behind
from serving.restock.due import Anew, Due, Question, cart_for, due_page
from serving.restock.history import OrderHistories
from serving.restock.prepared import Prepared, prepared
from serving.restock.taught import Taught, taught
from serving.restock.touched import ScoredCustomers
from serving.restock.wording import restock_wording

SCORED, MOVED, SHOWN, DUE = "scored", "moved", "shown", "due"
_BATCH = 500
_EPOCH = date(1970, 1, 1)
_ITEM = ("item_id", "title", "quantity", "probability", "reason", "words", "substitute_for", "price", "currency")
_CART = pa.list_(
    pa.struct([(name, {"quantity": pa.int32(), "probability": pa.float64()}.get(name, pa.string())) for name in _ITEM])
)
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("due_at", pa.date32()),
        ("probability", pa.float64()),
        ("cart", _CART),
        ("total", pa.string()),
        ("currency", pa.string()),
        ("cart_id", pa.string()),
        ("link_token", pa.string()),
    ]
)
LIKELY = "likely"
"""The probability with all its digits, which the rows of all parts are sorted by."""
_ROWS = SCHEMA.append(pa.field(LIKELY, pa.float64()))


@dataclass(frozen=True)
class Asked:
    """Whom a list is of: who needs something in the window of `question`, the likeliest `limit` of them, with carts of
    `max_items` at most, in the words of `locale`. With `log` the carts are to be kept, so that their links open.

    Nobody is told of who said no, in `database_url`, whose list of suppressions has the secret `privacy_secret`.
    """

    question: Question
    limit: int | None
    max_items: int
    locale: str
    log: bool
    published: PublishedReplenishment
    shelf: Shelf
    database_url: str
    privacy_secret: bytes


class _Part(ScoredCustomers):
    """Some of the customers who were scored; who of them did something since is known already."""

    def __init__(self, table: RestockTable, events: Log, identities: Identities, moved: pa.Table) -> None:
        super().__init__(table, events, identities)
        ids = moved["customer_id"].to_numpy()
        self._touched = set(ids[moved["touched"].to_numpy()].tolist())
        self._stale = np.isin(table.customer_ids, ids[moved["stale"].to_numpy()])

    def catch_up(self) -> tuple[Set[str], Mask]:
        """See `ScoredCustomers.catch_up`: as of when the export began, for all parts alike."""
        return self._touched, self._stale


class _Row(NamedTuple):
    """A customer who is due, with the cart."""

    customer_id: str
    day: date
    probability: float
    made: Prepared


def parted(path: Path, scored: ScoredCustomers, customers: int) -> Iterator[dict[str, pa.Table]]:
    """The table of everybody in parts of so many `customers`, and who of each did something since it was made."""
    touched, stale = scored.catch_up()
    if scored.outdated:
        raise ValueError("too many customers did something since everybody was scored; score again")
    ids, starts = scored.table.customer_ids, scored.table.starts
    table = pq.read_table(path)
    lost = ids[stale]
    for first in range(0, max(len(ids), 1), customers):
        last = min(first + customers, len(ids))
        low, high = ids[first] if first else "", ids[last] if last < len(ids) else None
        own = sorted(id_ for id_ in {*touched, *lost.tolist()} if low <= id_ and (high is None or id_ < high))
        yield {
            SCORED: table.slice(starts[first], starts[last] - starts[first]),
            MOVED: pa.table(
                {
                    "customer_id": pa.array(own, pa.string()),
                    "touched": pa.array([id_ in touched for id_ in own], pa.bool_()),
                    "stale": pa.array(np.isin(own, lost), pa.bool_()),
                }
            ),
        }


def prepare_part(export: Export, asked: Asked, part: int) -> None:
    """Write what the decision log is to keep of a part, then its rows, which say that it is done."""
    database = open_database(asked.database_url)
    events, today = Log(database, EVENTS), asked.question.today
    scored = _Part(
        read(export.path(SCORED, part)), events, Identities(database), pq.read_table(export.path(MOVED, part))
    )
    histories, model = OrderHistories(events), asked.published.model
    unlisted, words = Unlisted.now(database, asked.privacy_secret), restock_wording(asked.locale)

    def anew(person: Person) -> tuple[Forecasts, Taught]:
        customer = customer_behind(histories, person, export.at)
        forecasts = model.forecast(customer.lines, today)
        return forecasts, taught(customer.feedback(), forecasts, model.groups)

    def row(one: Due) -> _Row:
        try:
            return carried(one)
        except Exception as error:
            error.add_note(f"customer {one.person.customer_id} of {export.path(SCORED, part)}")
            raise

    def carried(one: Due) -> _Row:
        choice = cart_for(one, model.groups, asked.shelf, asked.max_items, anew)
        customer, day = one.person.customer_id, date_of(one.day)
        drawn = export.drawn(customer)
        subject = subject_of(customer)
        made = prepared(choice.lines, subject, day, asked.shelf, asked.published, words, export.at, "due", drawn)
        return _Row(customer, day, one.probability, made)

    # the curves of a customer are 100 kB in a grocery, so nobody's are kept longer than it takes to prepare the cart
    everybody = _everybody(scored, asked.question, anew, unlisted)
    likeliest = everybody if asked.limit is None else nlargest(asked.limit, everybody, key=_probability)
    try:
        found = [row(one) for one in likeliest]
    finally:
        database.dispose()
    if asked.log:
        records = table_of(one.made.record for one in found)
        written(export.path(SHOWN, part), partial(pq.write_table, records, compression="lz4"))
    written(export.path(DUE, part), partial(pq.write_table, _table(found, asked.log), compression="lz4"))


def date_of(day: int) -> date:
    """The date of a day since 1970."""
    return _EPOCH + timedelta(days=day)


def _everybody(scored: ScoredCustomers, question: Question, anew: Anew, unlisted: Unlisted) -> Iterator[Due]:
    after: str | None = ""
    while after is not None:
        page = due_page(scored, replace(question, after=after, limit=_BATCH), anew)
        out = unlisted.among([one.person for one in page.customers])
        yield from (one for one, gone in zip(page.customers, out, strict=True) if not gone)
        after = page.last_id


def _probability(one: Due) -> float:
    return one.probability


def _table(found: Sequence[_Row], log: bool) -> pa.Table:
    rows = [
        {
            "customer_id": one.customer_id,
            "due_at": one.day,
            "probability": round(one.probability, 4),
            "cart": [_item(item.model_dump()) for item in one.made.cart.items],
            "total": str(one.made.cart.total.amount) if one.made.cart.total else None,
            "currency": one.made.cart.total.currency if one.made.cart.total else None,
            "cart_id": one.made.cart.cart_id if log else None,
            "link_token": one.made.cart.link_token if log else None,
            LIKELY: one.probability,
        }
        for one in found
    ]
    return pa.Table.from_pylist(rows, schema=_ROWS)


def _item(fields: dict[str, Any]) -> dict[str, Any]:
    price = fields["price"]
    return {**{name: fields[name] for name in _ITEM}, "price": None if price is None else str(price)}

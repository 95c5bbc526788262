"""The verb `restock due`: who probably needs something within a window of days, each with a prepared cart, in a file.

Who is due, and with what, is decided by the service's own code, from the table of `restock score` and the log since.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import nlargest
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from features.catalog import Catalog
from features.database import open_database
from features.identity import Identities, Person
from features.log import DECISIONS, EVENTS, Log
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.purchases import last_day
from features.restock_table import newest, read
from models.registry import Registry
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from pipelines.console import Tick
from pipelines.recommend import subject_of
from pipelines.score import champion
from pipelines.settings import Settings
from serving.bundle import Shelf
from serving.restock.customer import customer_behind
from serving.restock.due import Anew, Due, Question, cart_for, due_page
from serving.restock.history import OrderHistories
from serving.restock.prepared import Prepared, prepared
from serving.restock.taught import Taught, taught
from serving.restock.touched import ScoredCustomers
from serving.restock.wording import restock_wording

_BATCH = 500
_WEEK = 7
_EPOCH = date(1970, 1, 1)
_ITEM = ("item_id", "title", "quantity", "probability", "reason", "words", "substitute_for", "price", "currency")
_CART = pa.list_(
    pa.struct([(name, {"quantity": pa.int32(), "probability": pa.float64()}.get(name, pa.string())) for name in _ITEM])
)
_SCHEMA = pa.schema(
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


@dataclass(frozen=True)
class Wanted:
    """Who is wanted: those who need something from `first` (the next day by default) to `last` (a week) with
    probability `least`, the likeliest `limit` of them, with carts of `max_items` at most.
    """

    first: date | None = None
    last: date | None = None
    least: float = 0.5
    limit: int | None = None
    max_items: int = 20

    def window(self, today: int) -> tuple[int, int]:
        """The first and the last day of the window since 1970, when `today` is the last day that is known."""
        first = today + 1 if self.first is None else (self.first - _EPOCH).days
        return first, first + _WEEK - 1 if self.last is None else (self.last - _EPOCH).days


@dataclass(frozen=True)
class DueReport:
    """What was written: customers who are due, and items in their carts."""

    model_version: str
    as_of: datetime
    first: date
    last: date
    customers: int
    items: int
    logged: bool
    file: Path


class _Row(NamedTuple):
    """A customer who is due, with the cart."""

    customer_id: str
    day: date
    probability: float
    made: Prepared


def due(
    settings: Settings,
    registry: Registry,
    out: Path,
    wanted: Wanted,
    locale: str,
    as_of: datetime,
    log: bool,
    progress: Tick,
) -> DueReport:
    """Write who is due into `out`, the likeliest first; the file appears when it is complete.

    With `log` the carts are kept in the decision log, so that their links open. Raises ValueError for another kind of
    file or a window that the table cannot speak of, LookupError without a champion, FileNotFoundError when nobody was
    scored.
    """
    if out.suffix not in _WRITERS:
        raise ValueError(f"{out} must end in {' or '.join(_WRITERS)}")
    engine = open_database(settings.database_url)
    published = champion(registry)
    scored = ScoredCustomers(read(newest(settings.feature_data)), Log(engine, EVENTS), Identities(engine))
    histories, today = OrderHistories(scored.events), last_day(as_of)
    first, last = wanted.window(today)
    _check(first, last, today, last_day(scored.table.as_of))

    def anew(person: Person) -> tuple[Forecasts, Taught]:
        customer = customer_behind(histories, person, as_of)
        forecasts = published.model.forecast(customer.lines, today)
        return forecasts, taught(customer.feedback(), forecasts, published.model.groups)

    question = Question(first, last, today, wanted.least, None, "", _BATCH)
    shelf, words = Shelf().following(Catalog(engine).changed_since(0)), restock_wording(locale)

    listed = Suppressions(engine, secret_in(settings.privacy_key))

    def row(one: Due) -> _Row:
        choice = cart_for(one, published.model.groups, shelf, wanted.max_items, anew)
        subject, day = subject_of(one.person.customer_id), _date(one.day)
        cart = prepared(choice.lines, subject, day, shelf, published, words, as_of, "due")
        return _Row(one.person.customer_id, day, one.probability, cart)

    # the curves of a customer are 100 kB in a grocery, so nobody's are kept longer than it takes to prepare the cart
    everybody = (one for one in _everybody(scored, question, anew, progress) if not listed.has_any(one.person))
    likeliest = everybody if wanted.limit is None else nlargest(wanted.limit, everybody, key=_probability)
    found = sorted(map(row, likeliest), key=_probability, reverse=True)
    partial_file = out.with_name(f"{out.name}.part")
    _WRITERS[out.suffix](_table(found, log), partial_file)
    partial_file.replace(out)
    if log:  # what is in no file was shown to nobody, so the log comes after it
        records = [one.made.record for one in found]
        decisions = Log(engine, DECISIONS)
        for start in range(0, len(records), _BATCH):
            decisions.append(records[start : start + _BATCH])
    engine.dispose()
    items = sum(len(one.made.cart.items) for one in found)
    version = published.version.number
    return DueReport(version, as_of, _date(first), _date(last), len(found), items, log, out)


def _check(first: int, last: int, today: int, made: int) -> None:
    if made > today:
        raise ValueError("everybody was scored after that moment; give a later --until, or score again as of then")
    if today >= made + HORIZON:
        raise ValueError(f"the table of {_date(made)} is too old; run `python -m pipelines restock score`")
    if not today < first <= last <= made + HORIZON:
        allowed = f"{_date(today + 1)} to {_date(made + HORIZON)}"
        raise ValueError(f"a window lies from {allowed}, not from {_date(first)} to {_date(last)}")


def _everybody(scored: ScoredCustomers, question: Question, anew: Anew, progress: Tick) -> Iterator[Due]:
    after: str | None = ""
    found = 0
    while after is not None:
        page = due_page(scored, replace(question, after=after), anew)
        yield from page.customers
        after, found = page.last_id, found + len(page.customers)
        progress(found, None)


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _probability(one: Due | _Row) -> float:
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
        }
        for one in found
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _item(fields: dict[str, Any]) -> dict[str, Any]:
    price = fields["price"]
    return {**{name: fields[name] for name in _ITEM}, "price": None if price is None else str(price)}


def _write_csv(table: pa.Table, path: Path) -> None:
    carts = [msgspec.json.encode(cart).decode() for cart in table["cart"].to_pylist()]
    csv.write_csv(table.set_column(table.schema.get_field_index("cart"), "cart", pa.array(carts, pa.string())), path)


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {".parquet": _write_parquet, ".csv": _write_csv}

"""Exports of all customers in parts of a few thousand: their answers lie in files until the whole is done.

A part follows from its customers, from the moment of the export, and from a secret that the ids and draws of each
customer follow from: the same wherever it is worked on, whatever the other parts are, as long as nothing new is known
of its customers meanwhile. What failed is taken up where it ended on the same day (UTC), with its moment and secret; on
another day everything is made anew.
"""

import hmac
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from features.log import Log, Record, microseconds
from features.person import default_customer
from features.results import empty, written
from serving.schemas import Subject

CUSTOMERS_A_PART = 10_000
"""Ten seconds to a minute of answers, beside which it is little that a process loads the model."""

RECORD = pa.schema(
    [
        ("key", pa.string()),
        ("type", pa.string()),
        ("occurred_at", pa.int64()),
        ("received_at", pa.int64()),
        ("user_id", pa.string()),
        ("anonymous_id", pa.string()),
        ("payload", pa.string()),
    ]
)
"""What the decision log is to keep, until there is a file that shows it."""

_BEGUN = "begun.json"
_SECRET_BYTES = 32
_ANONYMOUS = default_customer(None, "")
_APPENDED = 500


class _Begun(msgspec.Struct, frozen=True):
    at: datetime
    day: date
    secret: bytes
    parts: int


@dataclass(frozen=True)
class Export:
    """An export as of the moment `at`, in so many `parts`; `folder` has what each is asked and what it answered."""

    folder: Path
    at: datetime
    secret: bytes
    parts: int

    def path(self, step: str, part: int) -> Path:
        """Where the result of a step lies."""
        return self.folder / f"{step}-{part:05d}.parquet"

    def missing(self, step: str) -> list[int]:
        """The parts of which no result of a step is there."""
        return [part for part in range(self.parts) if not self.path(step, part).exists()]

    def drawn(self, customer: str) -> bytes:
        """32 bytes for a customer, which nobody can guess without the secret."""
        return hmac.digest(self.secret, customer.encode(), "sha256")


def begun(
    folder: Path,
    at: datetime,
    now: datetime,
    parts: Callable[[], Iterable[Mapping[str, pa.Table]]],
    secret: bytes | None = None,
) -> Export:
    """The export that was begun in `folder` on the day of `now`; else a new one of `parts`, as of the moment `at`.

    A part is the tables that it is asked, by step. `secret` is drawn when None.
    """
    path, day = folder / _BEGUN, now.astimezone(UTC).date()
    if path.exists():
        known = msgspec.json.decode(path.read_bytes(), type=_Begun)
        if known.day == day and known.at <= at:
            return Export(folder, known.at, known.secret, known.parts)
    empty(folder)
    count = 0
    made = Export(folder, at, secret or secrets.token_bytes(_SECRET_BYTES), count)
    for tables in parts():
        for step, table in tables.items():
            written(made.path(step, count), partial(pq.write_table, table, compression="lz4"))
        count += 1
    told = msgspec.json.encode(_Begun(at, day, made.secret, count))

    def write(temporary: Path) -> None:
        temporary.write_bytes(told)

    written(path, write)
    return replace(made, parts=count)


def subject_of(customer: str) -> Subject:
    """The subject of a request about the customer of this id."""
    if customer.startswith(_ANONYMOUS):
        return Subject(anonymous_id=customer.removeprefix(_ANONYMOUS))
    return Subject(user_id=customer)


def table_of(records: Iterable[Record]) -> pa.Table:
    """What the decision log is to keep, as a table."""
    rows = [{name: getattr(record, name) for name in RECORD.names} for record in records]
    return pa.Table.from_pylist(rows, schema=RECORD)


def log_shown(decisions: Log, records: pa.Table, now: datetime, gone: Collection[str] = ()) -> None:
    """Keep in `decisions` what was shown, but to those who are `gone`; what is kept already is not kept twice.

    It counts as received at `now`, whatever moment the export is of: that rises with the log, and reports rely on it.
    """
    received = {"received_at": microseconds(now)}
    for batch in records.to_batches(_APPENDED):
        shown = [Record(**row | received) for row in batch.to_pylist()]
        decisions.append([one for one in shown if default_customer(one.user_id, one.anonymous_id) not in gone])

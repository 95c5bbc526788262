"""What came and did not get in, by hour and reason: rejected, known already, outside the vocabulary.

The log holds only what got in, so whoever takes events in counts the others. No id of anybody stands here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, Column, Engine, Table, Text, func, select

from features.database import insert_into, metadata
from features.events import EVENT_TYPES
from features.log import microseconds, moment

Verdict = Literal["duplicate", "rejected", "ignored"]
_HOUR = 3_600_000_000
_NUMBER = re.compile(r"/\d+(?=/|$)")
_NAMES = {kind.segment: kind.name for kind in EVENT_TYPES.values()}
_LONGEST = 120
_ARRIVALS = Table(
    "arrival",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("verdict", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class Why(NamedTuple):
    """What became of a message: the verdict, the reason of a rejection, and the type of its event as far as known."""

    verdict: Verdict
    reason: str = ""
    type: str = ""


@dataclass(frozen=True)
class Arrived:
    """How many messages met the same end since some moment, and when the last of them did."""

    why: Why
    count: int
    at: datetime


def reason_of(code: str, pointer: str) -> str:
    """What was wrong and where, the same for the third and the seventh product of an event.

    >>> reason_of("not_a_number", "/properties/products/3/price")
    'not_a_number at /properties/products/*/price'
    """
    return f"{code} at {_NUMBER.sub('/*', pointer)}"[:_LONGEST] if pointer else code


def type_of(told: object) -> str:
    """Our name for what a message says it is; empty for what is not in the vocabulary, which may be anything.

    >>> type_of("Order Completed"), type_of("my secret"), type_of(None)
    ('order_completed', '', '')
    """
    return _NAMES.get(told, "") if isinstance(told, str) else ""


class Arrivals:
    """The counts of one shop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, counts: Mapping[Why, int], at: datetime) -> None:
        """Count so many more in the hour of `at`."""
        now = microseconds(at)
        rows = [
            {
                "hour": now // _HOUR,
                "verdict": why.verdict,
                "reason": why.reason,
                "type": why.type,
                "count": n,
                "at": now,
            }
            for why, n in sorted(counts.items())
            if n
        ]
        if not rows:
            return
        insert = insert_into(_ARRIVALS, self.engine.dialect.name)
        anew = {"count": _ARRIVALS.c.count + insert.excluded.count, "at": insert.excluded.at}
        keys = ["hour", "verdict", "reason", "type"]
        with self.engine.begin() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=anew), rows)

    def since(self, at: datetime) -> list[Arrived]:
        """What came since the hour of `at`, the most frequent first."""
        columns = _ARRIVALS.c
        query = (
            select(columns.verdict, columns.reason, columns.type, func.sum(columns.count), func.max(columns.at))
            .where(columns.hour >= microseconds(at) // _HOUR)
            .group_by(columns.verdict, columns.reason, columns.type)
        )
        with self.engine.connect() as connection:
            found = [
                Arrived(Why(verdict, reason, type_), int(n), moment(last))
                for verdict, reason, type_, n, last in connection.execute(query)
            ]
        return sorted(found, key=lambda one: (-one.count, one.why))

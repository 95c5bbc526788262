"""Products that events name and the catalogue does not know: counted by id, so that a shop finds what it forgot.

What made customers buy is no product of the shop, so their lines are not looked up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, Table, Text, delete, select, text

from features.database import metadata
from features.log import moment
from features.tallies import HOUR, OF_MADE, STRETCH, add

_KEPT = 5_000
_UNKNOWN = Table(
    "unknown_item",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("lines", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)
_LINES = {
    "sqlite": "FROM event e, json_each(e.payload, '$.lines') l "
    "LEFT JOIN product p ON p.product_id = json_extract(l.value, '$.product_id')",
    "postgresql": "FROM event e "
    "CROSS JOIN LATERAL jsonb_array_elements(CAST(e.payload AS jsonb) -> 'lines') AS l(value) "
    "LEFT JOIN product p ON p.product_id = (l.value ->> 'product_id') COLLATE \"C\"",
}
_ID = {"sqlite": "json_extract(l.value, '$.product_id')", "postgresql": "l.value ->> 'product_id'"}
_WHERE = f"{STRETCH.replace('position', 'e.position')} AND NOT {OF_MADE.replace('user_id', 'e.user_id')}"


@dataclass(frozen=True)
class UnknownItem:
    """A product id that events named and the catalogue does not know: in how many lines, and when last."""

    product_id: str
    lines: int
    received_at: datetime


def lines_known(connection: Connection, stretch: Mapping[str, int]) -> dict[tuple[int, str], tuple[int, int]]:
    """By hour and type of events in a stretch of the log: how many lines name a known product, and how many do not."""
    query = text(
        f"SELECT e.received_at / {HOUR} AS hour, e.type AS type, count(p.product_id) AS known, count(*) AS lines "
        f"{_LINES[connection.dialect.name]} WHERE {_WHERE} GROUP BY 1, 2"
    )
    return {(row.hour, row.type): (row.known, row.lines - row.known) for row in connection.execute(query, stretch)}


def unknown_in(connection: Connection, stretch: Mapping[str, int]) -> list[dict[str, Any]]:
    """Rows of the table for a stretch of the log; of very many those that were named most."""
    dialect = connection.dialect.name
    query = text(
        f"SELECT {_ID[dialect]} AS product_id, count(*) AS lines, max(e.received_at) AS received_at "
        f"{_LINES[dialect]} WHERE {_WHERE} AND p.product_id IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT {_KEPT}"
    )
    return [dict(row) for row in connection.execute(query, stretch).mappings()]


def keep(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Add rows up, and keep the ids that were named most: whoever sends made-up ids must not fill the database."""
    add(connection, _UNKNOWN, rows, ("lines",))
    id_, lines = _UNKNOWN.c.product_id, _UNKNOWN.c.lines
    kept = select(id_).order_by(lines.desc(), _UNKNOWN.c.received_at.desc()).limit(_KEPT)
    connection.execute(delete(_UNKNOWN).where(id_.not_in(kept)))


def unknown_items(engine: Engine, most: int) -> list[UnknownItem]:
    """The product ids that events name most and the catalogue still does not know."""
    query = text(
        "SELECT u.product_id, u.lines, u.received_at FROM unknown_item u WHERE NOT EXISTS "
        "(SELECT 1 FROM product p WHERE p.product_id = u.product_id) "
        "ORDER BY u.lines DESC, u.product_id LIMIT :most"
    )
    with engine.connect() as connection:
        return [
            UnknownItem(row.product_id, int(row.lines), moment(row.received_at))
            for row in connection.execute(query, {"most": most})
        ]

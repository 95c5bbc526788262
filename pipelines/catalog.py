"""The verb `catalog`: products from a file into the catalogue. What is wrong is set aside with its line.

The documented columns become the fields of a product, `stock.LOCATION` its stock there, any other an attribute of it.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import msgspec
from sqlalchemy import Engine

from features.catalog import Catalog, Product
from features.fields import MAX_ID_LENGTH, MAX_TEXT_LENGTH
from pipelines.event_rows import Progress
from pipelines.files import File
from pipelines.json_sql import decimal_json, json_object
from pipelines.presets.base import Preset, Projection, source_of
from pipelines.rejects import beside, rejections, write_rejects
from pipelines.tabular import read_chunks, scratch
from pipelines.text_rows import LINE

COLUMNS = tuple(name for name in Product.__struct_fields__ if name not in ("attributes", "stock"))
"""The documented columns of a catalogue file that have one name."""

STOCK = "stock."
"""What the columns begin with that say how much there is at the location behind it."""

TWICE = "product_id twice in the file"
_MAX_URL_LENGTH = 2_048
_BATCH = 50_000
_TRUE, _FALSE = "'true', '1', 'yes', 'in stock', 'in_stock'", "'false', '0', 'no', 'out of stock', 'out_of_stock'"


@dataclass(frozen=True)
class CatalogReport:
    """What an import of the catalogue did; `changed` counts new, different and, with `full`, gone products."""

    rows: int
    accepted: int
    changed: int
    rejected: dict[str, int] = field(default_factory=dict)
    reject_file: File | None = None
    seconds: float = 0.0


def import_catalog(
    path: File | None,
    engine: Engine,
    at: datetime,
    preset: Preset | None = None,
    encoding: str = "utf-8",
    reject_file: File | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> CatalogReport:
    """Read the products in `path` into the catalogue on `engine`, all in one transaction.

    With `full`, the file is the whole assortment and what is not in it is marked as gone; a product whose row was
    rejected stays as it is. Raises ValueError for a file that is no table, has no `product_id`, or would with `full`
    leave nothing.
    """
    started = time.perf_counter()
    source = source_of(path, preset, lambda known: known.products)
    catalog = Catalog(engine)
    with scratch() as connection:
        rows = stage_products(connection, source, preset.products if preset else None, encoding, progress)
        rejected = rejections(connection)
        if rejected:
            reject_file = reject_file or beside(source, preset.name if preset and path is None else None)
            write_rejects(connection, reject_file)
        products = list(_products(connection))
        if full and not products:
            raise ValueError(f"{source} has no acceptable product; as the full assortment it would leave nothing")
        kept = catalog.read(_rejected_ids(connection)) if full else {}
        listed = {product.product_id for product in products}
        changed = catalog.upsert(products + [each for id_, each in kept.items() if id_ not in listed], at, full)
    return CatalogReport(
        rows=rows,
        accepted=rows - sum(rejected.values()),
        changed=changed,
        rejected=rejected,
        reject_file=reject_file if rejected else None,
        seconds=time.perf_counter() - started,
    )


def stage_products(
    connection: duckdb.DuckDBPyConnection,
    path: File,
    preset: Projection | None = None,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> int:
    """Read the file into the table `staged`: line, reason, raw, the product's fields; returns the number of rows.

    With a preset that groups, a row is a group: the file has many lines a product.
    """
    bad: list[tuple[int, str, str]] = []
    columns: tuple[str, ...] = ()
    done = 0
    for chunk in read_chunks(connection, path, encoding):
        if not columns:
            columns = chunk.columns
            connection.execute("CREATE TABLE source AS FROM raw LIMIT 0")
        connection.execute("INSERT INTO source BY NAME FROM raw")
        bad += [(line.line, line.reason, line.text) for line in chunk.bad]
        done += chunk.rows + len(chunk.bad)
        if progress is not None:
            progress(done, chunk.total)
    connection.execute(f"CREATE TABLE staged AS {_checked(_project(path, columns, preset), preset)}")
    if bad:
        connection.executemany("INSERT INTO staged (line, reason, raw) VALUES (?, ?, ?)", bad)
    ((rows,),) = connection.execute("SELECT count(*) FROM staged").fetchall()
    return int(rows)


def _project(path: File, columns: tuple[str, ...], preset: Projection | None) -> dict[str, str]:
    """SQL for each field of a product, and for each attribute under its own name."""
    there = {name.lower() for name in columns}
    lacking = [name for name in (preset.needs if preset else ("product_id",)) if name.lower() not in there]
    if lacking:
        raise ValueError(
            f"{path} lacks the columns {', '.join(lacking)}; found: {', '.join(columns) or 'none'}. "
            "docs/event-schema.md lists the columns of a catalogue"
        )
    if preset is not None:
        return dict(preset.columns)
    return {(name.lower() if name.lower() in COLUMNS else name): _quoted(name) for name in columns}


def _checked(projection: dict[str, str], preset: Projection | None) -> str:
    """SQL from `source` to `staged`. While a row is read, `x_` is the text of the column `x`."""
    group, line = "", LINE
    if preset is not None and preset.group_by is not None:
        group, line = f"WHERE {preset.group_by} IS NOT NULL GROUP BY {preset.group_by}", f"min({LINE})"
    texts = [f"nullif(trim(CAST({projection.get(name, 'NULL')} AS VARCHAR)), '') AS {name}_" for name in COLUMNS]
    others = {name: sql for name, sql in projection.items() if name not in COLUMNS}
    texts += [f"nullif(CAST({sql} AS VARCHAR), '') AS {_quoted(name + '_')}" for name, sql in others.items()]
    members = {name: f"to_json({_quoted(name + '_')})" for name in projection}
    stock = {name: f"TRY_CAST({_quoted(name + '_')} AS DOUBLE)" for name in others if name.startswith(STOCK)}
    shelves = {name.removeprefix(STOCK): f"to_json({quantity})" for name, quantity in stock.items()}
    attributes = {name: members[name] for name in others if name not in stock}
    reasons = " ".join(f"WHEN {condition} THEN '{reason}'" for reason, condition in _reasons(stock).items())
    return f"""
        WITH written AS (SELECT {line} AS line, {", ".join(texts)} FROM source {group}),
        parsed AS (
            SELECT *, product_id_ AS product_id, title_ AS title, brand_ AS brand, url_ AS url, image_url_ AS image_url,
                nullif(trim(regexp_replace(category_, '\\s*[/>]+\\s*', '/', 'g'), '/ '), '') AS category,
                TRY_CAST(price_ AS DECIMAL(18, 4)) AS price, upper(currency_) AS currency,
                CASE WHEN lower(in_stock_) IN ({_TRUE}) THEN true WHEN lower(in_stock_) IN ({_FALSE}) THEN false
                END AS in_stock, group_id_ AS group_id,
                CASE WHEN lower(periodic_) IN ({_TRUE}) THEN true WHEN lower(periodic_) IN ({_FALSE}) THEN false
                END AS periodic,
                {json_object(attributes)} AS attributes, {json_object(shelves)} AS stock,
                row_number() OVER (PARTITION BY product_id_ ORDER BY line) AS nth
            FROM written
        ),
        checked AS (SELECT *, CASE {reasons} END AS reason FROM parsed)
        SELECT line, reason, CASE WHEN reason IS NOT NULL THEN {json_object(members)} END AS raw,
            {", ".join(COLUMNS)}, attributes, stock
        FROM checked
    """


def _reasons(stock: Mapping[str, str]) -> dict[str, str]:
    """Why a row is rejected, and the SQL that finds out; the first that holds is told. `stock` is SQL by column."""
    url = "NOT regexp_full_match({0}, 'https?://[^\\s/?#]+[^\\s]*')"
    texts = ", ".join(f"length({name})" for name in ("title", "category", "brand"))
    known = [f"({_quoted(name + '_')} IS NOT NULL AND coalesce(NOT isfinite({n}), true))" for name, n in stock.items()]
    return {
        "no product_id": "product_id IS NULL",
        f"product_id over {MAX_ID_LENGTH} characters": f"length(product_id) > {MAX_ID_LENGTH}",
        f"group_id over {MAX_ID_LENGTH} characters": f"length(group_id) > {MAX_ID_LENGTH}",
        "NUL character": "contains(product_id, chr(0))",
        "unreadable price": "price_ IS NOT NULL AND price IS NULL",
        "negative price": "price < 0",
        "unreadable currency": "NOT regexp_full_match(currency, '[A-Z]{3}')",
        "broken URL": " OR ".join(f"({url.format(name)})" for name in ("url", "image_url")),
        f"URL over {_MAX_URL_LENGTH} characters": f"greatest(length(url), length(image_url)) > {_MAX_URL_LENGTH}",
        "unreadable in_stock": "in_stock_ IS NOT NULL AND in_stock IS NULL",
        "unreadable periodic": "periodic_ IS NOT NULL AND periodic IS NULL",
        "unreadable stock": " OR ".join(known) or "false",
        "negative stock": " OR ".join(f"{quantity} < 0" for quantity in stock.values()) or "false",
        f"text over {MAX_TEXT_LENGTH} characters": f"greatest({texts}) > {MAX_TEXT_LENGTH}",
        TWICE: "nth > 1",
    }


def _products(connection: duckdb.DuckDBPyConnection) -> Iterator[Product]:
    fields = {name: decimal_json(name) if name == "price" else f"to_json({name})" for name in COLUMNS}
    payload = json_object(fields | {"attributes": "attributes", "stock": "stock"})
    result = connection.execute(f"SELECT {payload} FROM staged WHERE reason IS NULL ORDER BY line")
    decoder = msgspec.json.Decoder(Product)
    while rows := result.fetchmany(_BATCH):
        yield from (decoder.decode(text) for (text,) in rows)


def _rejected_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT DISTINCT product_id FROM staged WHERE reason IS NOT NULL AND product_id IS NOT NULL"
    return [id_ for (id_,) in connection.execute(query).fetchall()]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

"""The catalogue: what the shop sells, as it last said so. One row a product; what is gone keeps its row.

A row holds the product as JSON, since nothing here is searched by: readers take it all, by id or by page, into arrays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from features.database import insert_into, metadata, writing
from features.log import microseconds, moment

_LOOKUP = 500
_LOCK = 7_061_776_674
_TOLD = "catalogue"


class Product(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product. `category` is a path with `/`, `price` is for one unit in `currency`.

    Variants of one thing share a `group_id`. `stock` says how much there is at each location, `periodic` whether
    people buy it again and again; None leaves that to what they did.
    """

    product_id: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    url: str | None = None
    image_url: str | None = None
    in_stock: bool = True
    attributes: dict[str, str] = {}
    group_id: str | None = None
    stock: dict[str, float] = {}
    periodic: bool | None = None


@dataclass(frozen=True)
class Changes:
    """What is different since some revision: `products` that are new or other, sorted by id, and ids that are `gone`.

    `added` tells when a product was written first; one that was written before this was remembered is missing there.
    """

    revision: int
    products: list[Product]
    added: Mapping[str, datetime]
    gone: list[str]


@dataclass(frozen=True)
class CatalogState:
    """How often the catalogue changed, and when the shop told anything about it last, if only that nothing changed."""

    revision: int
    told_at: datetime | None


_PRODUCT = Table(
    "product",
    metadata,
    # by code points in both databases, as Python sorts: PostgreSQL would sort by the rules of its locale
    Column("product_id", Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), primary_key=True),
    Column("payload", Text, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("added_at", BigInteger),
    Index("product_of_revision", "revision"),
)
_HEARD = Table("heard", metadata, Column("of", Text, primary_key=True), Column("at", BigInteger, nullable=False))


class Catalog:
    """The catalogue on `engine`.

    >>> from datetime import UTC
    >>> from features.database import open_database
    >>> catalog = Catalog(open_database("sqlite://"))
    >>> catalog.upsert([Product(product_id="tea", title="Green tea")], datetime(2026, 11, 21, tzinfo=UTC))
    1
    >>> catalog.read(["tea", "unknown"])["tea"].title
    'Green tea'
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def upsert(self, products: Sequence[Product], at: datetime, full: bool = False) -> int:
        """Write what is new or differs, all or nothing; returns how many products changed.

        With `full`, `products` is the whole assortment, and what is not in it is marked as gone. Of two products with
        one id the last counts.
        """
        payloads = {product.product_id: _encode(product) for product in products}
        with writing(self.engine, _LOCK) as connection:
            _hear(connection, at)
            known = _states(connection, None if full else list(payloads))
            changed = {id_: payload for id_, payload in payloads.items() if known.get(id_) != (payload, False)}
            gone = [id_ for id_, (_, is_gone) in known.items() if not is_gone and id_ not in payloads] if full else []
            if not changed and not gone:
                return 0
            stamp = {"revision": _revision(connection) + 1, "updated_at": microseconds(at)}
            _write(connection, changed, stamp | {"added_at": stamp["updated_at"]})
            if gone:
                mark = update(_PRODUCT).where(_PRODUCT.c.product_id == bindparam("id")).values(gone=True, **stamp)
                connection.execute(mark, [{"id": id_} for id_ in gone])
        return len(changed) + len(gone)

    def read(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """The products among `product_ids` that the shop sells, by id."""
        with self.engine.connect() as connection:
            states = _states(connection, product_ids)
        return {id_: _decode(payload) for id_, (payload, gone) in states.items() if not gone}

    def all(self) -> list[Product]:
        """Everything that the shop sells, sorted by id."""
        return self.page(None, None)

    def page(self, after: str | None, limit: int | None) -> list[Product]:
        """The first `limit` products behind the id `after`, sorted by id."""
        query = select(_PRODUCT.c.payload).where(~_PRODUCT.c.gone).order_by(_PRODUCT.c.product_id).limit(limit)
        if after is not None:
            query = query.where(_PRODUCT.c.product_id > after)
        with self.engine.connect() as connection:
            return [_decode(payload) for payload in connection.execute(query).scalars()]

    def revision(self) -> int:
        """A number that rises with every change, whichever process makes it; 0 while nothing was ever written."""
        with self.engine.connect() as connection:
            return _revision(connection)

    def state(self) -> CatalogState:
        """The revision, and when the shop spoke last."""
        with self.engine.connect() as connection:
            at = connection.execute(select(_HEARD.c.at).where(_HEARD.c.of == _TOLD)).scalar()
            return CatalogState(_revision(connection), None if at is None else moment(at))

    def changed_since(self, revision: int) -> Changes:
        """What changed after `revision`; everything after 0."""
        columns = _PRODUCT.c.product_id, _PRODUCT.c.payload, _PRODUCT.c.gone, _PRODUCT.c.added_at, _PRODUCT.c.revision
        query = select(*columns).where(_PRODUCT.c.revision > revision).order_by(_PRODUCT.c.product_id)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return Changes(
            revision=max((row.revision for row in rows), default=revision),
            products=[_decode(row.payload) for row in rows if not row.gone],
            added={row.product_id: moment(row.added_at) for row in rows if row.added_at is not None},
            gone=[row.product_id for row in rows if row.gone],
        )


def _hear(connection: Connection, at: datetime) -> None:
    insert: Any = insert_into(_HEARD, connection.dialect.name)
    update_at = insert.on_conflict_do_update(index_elements=["of"], set_={"at": insert.excluded["at"]})
    connection.execute(update_at, {"of": _TOLD, "at": microseconds(at)})


def _write(connection: Connection, payloads: dict[str, str], stamp: dict[str, int]) -> None:
    insert: Any = insert_into(_PRODUCT, connection.dialect.name)
    columns = {name: insert.excluded[name] for name in ("payload", "gone", "revision", "updated_at")}
    if payloads:
        rows = [{"product_id": id_, "payload": text, "gone": False, **stamp} for id_, text in payloads.items()]
        connection.execute(insert.on_conflict_do_update(index_elements=["product_id"], set_=columns), rows)


def _states(connection: Connection, product_ids: Sequence[str] | None) -> dict[str, tuple[str, bool]]:
    """Payload and whether it is gone, of each known id; of all ids with None."""
    query = select(_PRODUCT.c.product_id, _PRODUCT.c.payload, _PRODUCT.c.gone)
    queries: Iterable[Any] = [query]
    if product_ids is not None:
        queries = (query.where(_PRODUCT.c.product_id.in_(part)) for part in _parts(product_ids))
    return {id_: (payload, gone) for query in queries for id_, payload, gone in connection.execute(query)}


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _LOOKUP] for start in range(0, len(ids), _LOOKUP))


def _revision(connection: Connection) -> int:
    return connection.execute(select(func.max(_PRODUCT.c.revision))).scalar() or 0


def _encode(product: Product) -> str:
    return msgspec.json.encode(product, order="deterministic").decode()


def _decode(payload: str) -> Product:
    return msgspec.json.decode(payload, type=Product)

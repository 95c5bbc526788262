"""The online store: the rows of one customer, taken out by key, as Feast has no call that does it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from feast import FeatureStore
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _mmh3
from feast.infra.online_stores.redis import RedisOnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from sqlalchemy import Engine, select

from features.among import one_of
from features.definitions import CUSTOMER, CUSTOMER_VIEWS, RECENT_FEATURES, RECENT_VIEW
from features.identity_links import LINKS
from features.person import Person
from features.privacy.base import Row, customers
from features.store import is_applied, read_customer

_WAIT = 30.0


class OnlineRows:
    """What Feast's SQLite, Redis or Valkey holds of a customer."""

    name = "online store"

    def __init__(self, store: FeatureStore, engine: Engine) -> None:
        self.store = store
        self.engine = engine

    def held(self, person: Person) -> Iterator[Row]:
        """A row a customer id, with the features of all views; nothing where no features were ever put online."""
        if not is_applied(self.store):
            return
        known = {view.name for view in self.store.list_all_feature_views()}  # an earlier version applied fewer
        fields = (field for view, fields in CUSTOMER_VIEWS.items() if view in known for field in fields)
        features = list(dict.fromkeys(field.name for field in fields))
        for customer_id in customers(person):
            row = read_customer(self.store, customer_id, features, datetime.max.replace(tzinfo=UTC))
            if row is not None:
                values = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in row.values.items()}
                yield {"customer_id": customer_id, "as_of": row.event_timestamp.isoformat(), **values}

    def erase(self, person: Person) -> None:
        """By key; what SQLite gives free is overwritten."""
        if not is_applied(self.store):
            return
        keys = [self._key(customer_id) for customer_id in customers(person)]
        others = [self._key(customer_id) for customer_id in self._others(person)]
        config = self.store.config
        if config.online_store.type == "sqlite":
            _delete(Path(config.online_store.path), keys, others)
        else:
            client = RedisOnlineStore()._get_client(config.online_store)
            client.unlink(*(key + config.project.encode() for key in keys))
            recent = [_mmh3(f"{RECENT_VIEW}:{field.name}") for field in RECENT_FEATURES]
            for key in others:
                client.hdel(key + config.project.encode(), *recent)
            client.close()

    def _others(self, person: Person) -> list[str]:
        """Who shared a device: their latest events name it. Those rows are made again from the log."""
        device = one_of(self.engine.dialect.name, LINKS.c.id, person.anonymous_ids)
        shared = LINKS.c.kind == "anonymous", device
        with self.engine.connect() as connection:
            users = connection.execute(select(LINKS.c.user_id).where(*shared).distinct()).scalars()
            return sorted(set(users) - set(person.user_ids))

    def _key(self, customer_id: str) -> bytes:
        entity = EntityKey(join_keys=[CUSTOMER.join_key], entity_values=[Value(string_val=customer_id)])
        key: bytes = serialize_entity_key(entity, self.store.config.entity_key_serialization_version)
        return key


def _delete(path: Path, keys: list[bytes], others: list[bytes]) -> None:
    """Rows of all views, and of others those of one; then what earlier changes left behind in the file and its log.

    Raises TimeoutError while a reader holds on to that log.
    """
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
            if "entity_key" in columns:
                gone = [*keys, *others] if table.endswith(RECENT_VIEW) else keys
                connection.executemany(f'DELETE FROM "{table}" WHERE entity_key = ?', [(key,) for key in gone])
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise TimeoutError(
            f"a reader holds on to the log of {path.name} for {_WAIT:.0f} s; it is emptied at the next try"
        )

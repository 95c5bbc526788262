"""Feast's online rows as they lie in its store, read without its SDK: a sixth of the CPU a customer, the same values.

The SDK resolves views, makes protobufs of every answer and takes them apart again, for each request. The layout is
Feast's and pinned with its version; keys are made by Feast's own functions, and a test compares every value with the
SDK's in both stores. What is read from here is read anew each time: nothing is kept.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from feast import FeatureStore
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _mmh3
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.newer_rows import client_of
from features.selecting import read_only

Asked = Mapping[str, Sequence[str]]
"""Names of features by the view that holds them."""

Values = dict[str, dict[str, Any]]
"""By view and name; lists are arrays, what is not known is None."""

_VERSION = 3
_PATIENCE = 5.0
"""Seconds that a reader waits for who has locked the file."""


class OnlineRows(Protocol):
    """Reads many customers in one round to the store; safe from any thread."""

    def read(self, customer_ids: Sequence[str], asked: Asked) -> list[Values]:
        """What is known of each customer; raises what the store raises."""
        ...


def rows_of(store: FeatureStore) -> OnlineRows:
    """The rows of `store`, which is on SQLite or on Redis."""
    online = store.config.online_store
    if online.type == "sqlite":
        return _SQLite(Path(online.path), store.config.project)
    return _Redis(store)


def rows_at_hand(store: FeatureStore) -> OnlineRows | None:
    """The same for who must not wait: what is locked raises at once. None for a store that is not a file."""
    online = store.config.online_store
    return _SQLite(Path(online.path), store.config.project, 0.0) if online.type == "sqlite" else None


class _SQLite:
    """A table a view, a row a feature; a connection a thread, as a materialization must not make readers wait."""

    def __init__(self, path: Path, project: str, patience: float = _PATIENCE) -> None:
        self.project = project
        self._connection = read_only(path, patience)

    def read(self, customer_ids: Sequence[str], asked: Asked) -> list[Values]:
        found: list[Values] = [{view: dict.fromkeys(names) for view, names in asked.items()} for _ in customer_ids]
        keys = {entity_key(id_): place for place, id_ in enumerate(customer_ids)}
        connection = self._connection()
        for view, names in asked.items():
            query = (
                f'SELECT entity_key, feature_name, value FROM "{self.project}_{view}" '  # names of ours
                f"WHERE entity_key IN ({_marks(len(keys))}) AND feature_name IN ({_marks(len(names))})"
            )
            for key, name, value in connection.execute(query, (*keys, *names)):
                found[keys[key]][view][name] = _decoded(value)
        return found


class _Redis:
    """A hash a customer, a field a feature of a view, by Feast's own connection."""

    def __init__(self, store: FeatureStore) -> None:
        self.store = store

    def read(self, customer_ids: Sequence[str], asked: Asked) -> list[Values]:
        names = [(view, name) for view, own in asked.items() for name in own]
        fields = [_mmh3(f"{view}:{name}") for view, name in names]
        config = self.store.config
        with client_of(self.store).pipeline(transaction=False) as pipe:
            for id_ in customer_ids:
                pipe.hmget(entity_key(id_) + config.project.encode(), fields)
            rows = pipe.execute()
        found: list[Values] = [{view: {} for view in asked} for _ in customer_ids]
        for own, row in zip(found, rows, strict=True):
            for (view, name), value in zip(names, row, strict=True):
                own[view][name] = _decoded(value)
        return found


@lru_cache(maxsize=4_096)
def entity_key(customer_id: str) -> bytes:
    """Under which a customer's rows lie in the store."""
    entity = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=customer_id)])
    key: bytes = serialize_entity_key(entity, _VERSION)
    return key


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _decoded(stored: bytes | None) -> Any:
    if stored is None:
        return None
    value = Value.FromString(stored)
    match value.WhichOneof("val"):
        case None | "null_val":
            return None
        case "string_list_val":
            return np.array(value.string_list_val.val, object)
        case "double_list_val":
            return np.array(value.double_list_val.val, np.float64)
        case kind:
            return getattr(value, kind)

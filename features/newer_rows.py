"""Rows put into Redis or Valkey as Feast lays them out, where many write at once: of two rows of an id the newer stays.

Feast reads the timestamps of the rows that are there and then writes, so that of two writers the slower one can put an
older row over a newer. Here the server compares and writes in one go. It also costs less: Feast makes a table of pandas
of the rows and walks it again. Keys are made by Feast's own function, and a test compares what its SDK reads.
"""

from collections.abc import Mapping
from typing import Any

from feast import FeatureStore
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Int64, String
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from features.definitions import CUSTOMER

_FIELDS = {String: "string_val", Int64: "int64_val"}
_NEWER = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  local seconds, scale = 0, 1
  for place = 2, #stored do
    local byte = stored:byte(place)
    seconds = seconds + byte % 128 * scale
    scale = scale * 128
    if byte < 128 then break end
  end
  if seconds >= tonumber(ARGV[3]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 4))
return 1"""
"""The timestamp is a protobuf: a tag, then the seconds in groups of seven bits, the lowest first."""


def client_of(store: FeatureStore) -> Any:
    """Feast's own connections to its Redis."""
    provider: Any = store._get_provider()
    return provider.online_store._get_client(store.config.online_store)


def write_newer(
    store: FeatureStore, view: str, types: Mapping[str, Any], rows: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> None:
    """Put rows of customers online, each by its id with its timestamp in whole seconds; one that is not newer than what
    is there changes nothing.

    Raises the first error when the server refuses some of them, the others are written; and what the connection raises.
    """
    client, config = client_of(store), store.config
    script = client.register_script(_NEWER)
    fields = {name: (_mmh3(f"{view}:{name}"), _FIELDS[dtype]) for name, dtype in types.items()}
    with client.pipeline(transaction=False) as pipe:
        for id_, (seconds, row) in rows.items():
            entity = EntityKey(join_keys=[CUSTOMER.join_key], entity_values=[Value(string_val=id_)])
            key = _redis_key(config.project, entity, config.entity_key_serialization_version)
            given: list[Any] = [f"_ts:{view}", Timestamp(seconds=seconds).SerializeToString(), seconds]
            for name, (field, kind) in fields.items():
                given += [field, (Value() if row[name] is None else Value(**{kind: row[name]})).SerializeToString()]
            script(keys=[key], args=given, client=pipe)
        pipe.execute()

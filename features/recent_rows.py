"""Recent rows in Feast's online store: written by projectors alone, read with the features of a visitor.

A row's timestamp is the position of the log at which it was made, as a number of seconds: it only rises, whatever the
clocks do, so that of two writers the one stays that knew more of the log.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from feast import FeatureStore
from feast.types import String

from features.definitions import PROVENANCE, RECENT_FEATURES, RECENT_VIEW
from features.newer_rows import write_newer
from features.online_rows import OnlineRows
from features.recent import Base, Recent, from_json
from features.store import WATERMARK, read_values, write_rows

_TYPES = {field.name: field.dtype for field in RECENT_FEATURES}
_NAMES = tuple(field.name for field in RECENT_FEATURES if field not in PROVENANCE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def base_of(store: FeatureStore) -> Base:
    """What the features know that are online now; nothing where none were ever put there.

    Raises LookupError as long as nothing was applied, and whatever the store raises when it cannot be reached.
    """
    found = read_values(store, [WATERMARK], {"customer": ("as_of_us", "log_position")})[0]["customer"]
    if found["as_of_us"] is None or found["log_position"] is None:
        return Base()
    return Base(found["log_position"], found["as_of_us"])


def write_recents(store: FeatureStore, recents: Mapping[str, Recent]) -> None:
    """Put the rows of these ids online, all in one go. Errors as of `base_of`.

    Where several write at once, as in Redis, a row stays that was made at a later position than the given one.
    """
    rows = {id_: _values(recent) for id_, recent in recents.items()}
    if store.config.online_store.type == "redis":
        write_newer(store, RECENT_VIEW, _TYPES, {id_: (recents[id_].position, row) for id_, row in rows.items()})
        return
    moments = [_EPOCH + timedelta(seconds=recent.position) for recent in recents.values()]
    columns = {
        "customer_id": pa.array(recents, pa.string()),
        "event_timestamp": pa.array(moments, pa.timestamp("us", "UTC")),
        "created": pa.array(moments, pa.timestamp("us", "UTC")),
    }
    for name, dtype in _TYPES.items():
        columns[name] = pa.array([row[name] for row in rows.values()], pa.string() if dtype == String else pa.int64())
    write_rows(store, RECENT_VIEW, pa.table(columns))


def read_recents(online: OnlineRows, ids: Sequence[str]) -> dict[str, Recent]:
    """The rows of these ids, of those that have one. Raises what the store raises."""
    found = online.read(ids, {RECENT_VIEW: _NAMES}) if ids else []
    rows = ((id_, _recent(values[RECENT_VIEW])) for id_, values in zip(ids, found, strict=True))
    return {id_: recent for id_, recent in rows if recent is not None}


def _recent(values: Mapping[str, Any]) -> Recent | None:
    events, position, after, since = (values[name] for name in _NAMES)
    return None if events is None else from_json(position, Base(after, since), events)


def _values(recent: Recent) -> dict[str, Any]:
    received = max((one.received_at for one in recent.records), default=0)
    return {
        "recent_events": recent.to_json(),
        "recent_position": recent.position,
        "recent_after": recent.base.position,
        "recent_since_us": recent.base.since,
        "as_of_us": received,
        "created_us": received,
    }

"""Recent rows in Feast's online store: written by the projector alone, read with the features of a visitor.

A row's timestamp is the position of the log at which it was made, as a number of seconds: it only rises, whatever the
clocks do, so that Redis takes it and a second writer repeats the first.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from feast import FeatureStore

from features.definitions import PROVENANCE, RECENT_FEATURES, RECENT_VIEW
from features.online_rows import OnlineRows
from features.recent import Base, Recent, from_json
from features.store import WATERMARK, read_values, write_rows

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
    """Put the rows of these ids online, all in one go. Errors as of `base_of`."""
    moments = [_EPOCH + timedelta(seconds=recent.position) for recent in recents.values()]
    received = [max((one.received_at for one in recent.records), default=0) for recent in recents.values()]
    columns = {
        "customer_id": pa.array(recents, pa.string()),
        "event_timestamp": pa.array(moments, pa.timestamp("us", "UTC")),
        "created": pa.array(moments, pa.timestamp("us", "UTC")),
        "recent_events": pa.array([recent.to_json() for recent in recents.values()], pa.string()),
        "recent_position": pa.array([recent.position for recent in recents.values()], pa.int64()),
        "recent_after": pa.array([recent.base.position for recent in recents.values()], pa.int64()),
        "recent_since_us": pa.array([recent.base.since for recent in recents.values()], pa.int64()),
        "as_of_us": pa.array(received, pa.int64()),
        "created_us": pa.array(received, pa.int64()),
    }
    write_rows(store, RECENT_VIEW, pa.table(columns))


def read_recents(online: OnlineRows, ids: Sequence[str]) -> dict[str, Recent]:
    """The rows of these ids, of those that have one. Raises what the store raises."""
    found = online.read(ids, {RECENT_VIEW: _NAMES}) if ids else []
    rows = ((id_, _recent(values[RECENT_VIEW])) for id_, values in zip(ids, found, strict=True))
    return {id_: recent for id_, recent in rows if recent is not None}


def _recent(values: Mapping[str, Any]) -> Recent | None:
    events, position, after, since = (values[name] for name in _NAMES)
    return None if events is None else from_json(position, Base(after, since), events)

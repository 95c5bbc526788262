"""Feast's store: each customer's newest row for serving, and point-in-time joins over all the tables for training.

What makes Feast's online stores agree with each other: one writer, and event timestamps that only rise. `max_age` is
for readers to whom an old row is wrong; recommenders are not among them, as the log tells them the rest.
"""

import sqlite3
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from feast import FeatureStore, RepoConfig
from feast.errors import FeatureViewNotFoundException
from feast.types import Array, Float64, String
from sqlalchemy import make_url

from features.customer_row import CustomerRow
from features.database import address_of, write_ahead
from features.definitions import (
    CUSTOMER,
    CUSTOMER_VIEWS,
    LOG_POSITION,
    PRODUCT,
    PROVENANCE,
    customer_view,
    product_view,
    recommender_service,
)
from features.in_order import streamed
from features.log import moment
from features.online_rows import OnlineRows, Values
from features.online_writes import writer_of
from features.snapshots import newest

WATERMARK = ""
"""Under this customer id, which nobody can have, a view's online store keeps which table it was last written from."""

_PROVENANCE = tuple(field.name for field in PROVENANCE)
_TYPES = {field.name: field.dtype for fields in CUSTOMER_VIEWS.values() for field in fields}
_VIEWS = {field.name: view for view, fields in reversed(CUSTOMER_VIEWS.items()) for field in fields}
_LISTS = {Array(String): np.dtype(object), Array(Float64): np.dtype(float)}


@dataclass(frozen=True)
class Materialized:
    """What `materialize` put online of one view: this many customers, as of that moment."""

    customers: int
    as_of: datetime


def open_store(feature_data: Path, online_store: str, registry: str | None = None) -> FeatureStore:
    """Feast on the folder `feature_data`; `online_store` is `sqlite`, or `host:port` of Redis or Valkey.

    What is registered stands in the database at the URL `registry`, so that replicas never read a file that another is
    writing; without one in a file of the folder. It is read once, as reading it again would land in the middle of a
    request, and then anew only when the view that is asked for is missing from it. Raises ValueError for another kind
    of store.
    """
    feature_data = feature_data.resolve()
    feature_data.mkdir(parents=True, exist_ok=True)
    if online_store == "sqlite":
        online = {"type": "sqlite", "path": str(feature_data / "online.db")}
    elif ":" in online_store:
        online = {"type": "redis", "connection_string": online_store}
    else:
        raise ValueError(f"online_store={online_store!r} is unknown; use `sqlite`, or `host:port` of Redis or Valkey")
    config = RepoConfig(
        project="kairos",
        provider="local",
        registry={**_registry(feature_data, registry), "cache_ttl_seconds": 0},
        offline_store={"type": "duckdb"},
        online_store=online,
        entity_key_serialization_version=3,
    )
    return FeatureStore(repo_path=str(feature_data), config=config)


def _registry(feature_data: Path, url: str | None) -> dict[str, Any]:
    if url is None:
        return {"registry_type": "file", "path": str(feature_data / "registry.db")}
    careful = {"pool_pre_ping": True, "hide_parameters": True}
    path = address_of(url).render_as_string(hide_password=False)
    return {"registry_type": "sql", "path": path, "sqlalchemy_config_kwargs": careful}


def folder_of(store: FeatureStore) -> Path:
    """The folder with the tables of features that the store was opened on."""
    return Path(store.repo_path)


def is_applied(store: FeatureStore) -> bool:
    """Whether anything was ever registered; to ask makes no registry where there is none."""
    registry = store.config.registry
    return Path(registry.path).exists() if registry.registry_type == "file" else bool(store.list_feature_views())


def apply(store: FeatureStore) -> None:
    """Register the objects of `definitions.py`; doing so again changes nothing."""
    feature_data = folder_of(store)
    customer, *others = (customer_view(feature_data, name) for name in CUSTOMER_VIEWS)
    store.apply([CUSTOMER, PRODUCT, customer, *others, product_view(feature_data), recommender_service(customer)])
    if store.config.online_store.type == "sqlite":
        with closing(sqlite3.connect(store.config.online_store.path)) as connection:
            write_ahead(connection)  # so that a materialization never makes a reader wait


def materialize(
    store: FeatureStore,
    progress: Callable[[int], None] = lambda _: None,
    rows_per_write: int = 2_000,
    view: str = "customer",
) -> Materialized:
    """Put the newest table of a view of customers online; `progress` hears how many more are in.

    Writes batch by batch rather than by Feast's own `materialize`, which marks the view as materializing in the
    registry, and a service that opens it then refuses every read. Products stay offline: `product_view` says why.

    Running it again completes what a crash cut off. Raises ValueError, before anything is written, when the store was
    written from a later table, or from another one of the same moment: SQLite would take the older row and Redis
    silently keep what it has.
    """
    path = newest(folder_of(store), view)
    with streamed(path) as file:
        customers = file.metadata.num_rows
        if not customers:
            raise ValueError(f"{path} holds no customers; ingest events and build the features again")
        moments = ["event_timestamp", "created", LOG_POSITION.name, *_PROVENANCE]
        first = next(file.iter_batches(1, columns=moments))
        as_of_us, created_us = (first.column(name)[0].as_py() for name in _PROVENANCE)
        online = read_values(store, [WATERMARK], {view: _PROVENANCE})[0][view]
        if online["as_of_us"] is not None and (
            as_of_us < online["as_of_us"] or (as_of_us == online["as_of_us"] and created_us != online["created_us"])
        ):
            raise ValueError(
                f"{path} is as of {moment(as_of_us)}, made {moment(created_us)}, but the online store holds features "
                f"as of {moment(online['as_of_us'])}, made {moment(online['created_us'])}; build with a later as_of"
            )
        writer = writer_of(store)
        writer.write(view, first.append_column("customer_id", pa.array([WATERMARK])))
        for rows in writer.batches(file, rows_per_write):
            writer.write(view, rows)
            progress(len(rows))
    return Materialized(customers=customers, as_of=moment(as_of_us))


def read_customer(
    store: FeatureStore,
    customer_id: str,
    features: Sequence[str],
    at: datetime,
    max_age: timedelta | None = None,
) -> CustomerRow | None:
    """The online features of one customer, of whichever views; those of a view without a row of the customer are None.

    So are those of a row that is older at `at` than `max_age`; None for a customer of whom no row is left.

    Raises ValueError for a feature that does not exist, LookupError as long as nothing was applied, and whatever the
    store raises when it cannot be reached.
    """
    return read_customers(store, [customer_id], features, at, max_age)[0]


def read_customers(
    store: FeatureStore,
    customer_ids: Sequence[str],
    features: Sequence[str],
    at: datetime,
    max_age: timedelta | None = None,
    online: OnlineRows | None = None,
) -> list[CustomerRow | None]:
    """The same of many customers in one round to the store: each as it is read alone, one entry an id.

    With `online` the rows are read as they lie in the store, for a sixth of what Feast's SDK costs.
    """
    if unknown := set(features) - set(_TYPES):
        raise ValueError(f"no customer features {sorted(unknown)}; there are {sorted(_TYPES)}")
    asked: dict[str, list[str]] = {_VIEWS[name]: list(_PROVENANCE) for name in features or _PROVENANCE}
    for name in dict.fromkeys(features):
        if name not in _PROVENANCE:
            asked[_VIEWS[name]].append(name)
    ids = list(dict.fromkeys(id_ for id_ in customer_ids if id_ != WATERMARK))
    values = (read_values(store, ids, asked) if online is None else _values(online, ids, asked)) if ids else []
    read = dict(zip(ids, values, strict=True))
    return [_row_of(id_, read.get(id_, {}), features, at, max_age) for id_ in customer_ids]


def _row_of(
    customer_id: str,
    read: Mapping[str, dict[str, Any]],
    features: Sequence[str],
    at: datetime,
    max_age: timedelta | None,
) -> CustomerRow | None:
    found = dict(read)
    for view, values in read.items():
        as_of_us = values["as_of_us"]
        if as_of_us is None or (max_age is not None and at - moment(as_of_us) > max_age):
            del found[view]
    if not found:
        return None
    oldest = min(found.values(), key=lambda values: values["as_of_us"])
    event_timestamp, created = (moment(oldest[name]) for name in _PROVENANCE)
    values = {name: found[_VIEWS[name]][name] if _VIEWS[name] in found else _value(name, None) for name in features}
    return CustomerRow(customer_id, values, event_timestamp, created)


def training_set(store: FeatureStore, entity_df: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """`entity_df` (keys and `event_timestamp`) with the `features` (as `customer:frequency`) that were known then.

    Row for row in the order of `entity_df`; a row without a usable table gets nulls. Tables created after a row's own
    time are passed over, or a late correction would leak into it.
    """
    numbered = entity_df.reset_index(drop=True).rename_axis("_row").reset_index()
    with warnings.catch_warnings():
        # ibis 12 calls DuckDB 2 by an old name, and Feast switches such warnings on for the whole process
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        try:
            job = store.get_historical_features(numbered, list(features), filter_by_created_timestamp=True)
            joined: pd.DataFrame = job.to_df().sort_values("_row", ignore_index=True)
        finally:
            _forget_connection()
    if not joined["_row"].equals(numbered["_row"]):
        raise RuntimeError(f"a point-in-time join of {len(numbered)} rows gave {len(joined)} other ones")
    return joined.drop(columns="_row")


def _forget_connection() -> None:
    """Close the DuckDB that ibis keeps for the process: it holds the joined tables, and complains when Python exits."""
    if (backend := ibis.options.default_backend) is not None:
        backend.disconnect()
        ibis.options.default_backend = None


def write_rows(store: FeatureStore, view: str, rows: pa.Table) -> None:
    """Put rows of a view online. A call costs milliseconds, each further row a fraction of one: write them together."""
    store.write_to_online_store(view, df=rows.to_pandas(integer_object_nulls=True))


def read_values(
    store: FeatureStore, customer_ids: Sequence[str], asked: Mapping[str, Sequence[str]]
) -> list[dict[str, dict[str, Any]]]:
    """The values of the features `asked` by view and name, of each customer, in one round to the store."""
    names = [(view, name) for view, features in asked.items() for name in features]
    features = [f"{view}:{name}" for view, name in names]
    rows = [{"customer_id": customer_id} for customer_id in customer_ids]
    try:
        answer = store.get_online_features(features, rows, full_feature_names=True)
    except FeatureViewNotFoundException:
        store.refresh_registry()
        try:
            answer = store.get_online_features(features, rows, full_feature_names=True)
        except FeatureViewNotFoundException as error:
            where = make_url(path) if "://" in (path := store.config.registry.path) else path
            raise LookupError(f"no features in {where}; run `python -m pipelines features materialize`") from error
    columns = answer.to_dict()
    found: list[dict[str, dict[str, Any]]] = [{view: {} for view in asked} for _ in customer_ids]
    for view, name in names:
        for own, value in zip(found, columns[f"{view}__{name}"], strict=True):
            own[view][name] = _value(name, value)
    return found


def _values(online: OnlineRows, customer_ids: Sequence[str], asked: Mapping[str, Sequence[str]]) -> list[Values]:
    return [
        {view: {name: _value(name, value) for name, value in values.items()} for view, values in row.items()}
        for row in online.read(customer_ids, asked)
    ]


def _value(name: str, value: Any) -> Any:
    dtype = _LISTS.get(_TYPES[name])
    return value if dtype is None or isinstance(value, np.ndarray) else np.array(value or [], dtype)

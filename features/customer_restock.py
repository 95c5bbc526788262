"""What is foreseen of each customer, as a table of features: one row a customer who ever bought something.

The figures come from whoever forecasts; here stands how they are kept, beside the other features and by their rules.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from feast.types import Bool, Float64, Int64
from numpy.typing import NDArray

from features.definitions import RESTOCK_FEATURES
from features.log import microseconds
from features.snapshots import keep

VIEW = "customer_restock"
_TIMES = pa.timestamp("us", "UTC")
_TYPES = {Bool: pa.bool_(), Float64: pa.float64(), Int64: pa.int64()}
_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("event_timestamp", _TIMES),
        ("created", _TIMES),
        *((field.name, _TYPES[field.dtype]) for field in RESTOCK_FEATURES),
    ]
)


def keep_restock(
    feature_data: Path,
    as_of: datetime,
    created: datetime,
    log_position: int,
    customer_ids: NDArray[np.object_],
    columns: Mapping[str, NDArray[Any]],
) -> Path:
    """Keep the features of `customer_ids` (sorted, each once) as of `as_of`; those of that moment are replaced.

    `columns` are the features by name, one entry a customer, NaN where one is not known. Raises ValueError for
    customers out of order, for a feature that is missing, and for one that is not in `definitions.py`.
    """
    if not (customer_ids[:-1] < customer_ids[1:]).all():
        raise ValueError("customer_ids must be sorted and without doubles, or a join would not know which row to take")
    count = len(customer_ids)
    told = {"log_position": log_position, "as_of_us": microseconds(as_of), "created_us": microseconds(created)}
    own = {name: np.full(count, value, np.int64) for name, value in told.items()}
    times = {"event_timestamp": pa.array([as_of] * count, _TIMES), "created": pa.array([created] * count, _TIMES)}
    arrays = {"customer_id": pa.array(customer_ids, pa.string()), **times}
    arrays |= {name: pa.array(column, from_pandas=True) for name, column in {**columns, **own}.items()}
    if arrays.keys() != set(_SCHEMA.names):
        wrong = sorted(arrays.keys() ^ set(_SCHEMA.names))
        raise ValueError(f"the features of customer_restock are those of definitions.py; missing or unknown: {wrong}")
    return keep(pa.table([arrays[name] for name in _SCHEMA.names], schema=_SCHEMA), feature_data / VIEW, as_of)

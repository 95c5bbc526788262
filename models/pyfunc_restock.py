"""How MLflow's `pyfunc` opens a published replenishment: for batch work and for a look from a notebook.

The service never predicts through pyfunc; it loads the same files directly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array
from numpy.typing import NDArray

from models.recommenders.base import days as days_of
from models.storage import load
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment

DATES = (7, 14, 28)
"""Within how many days a row says how likely the next purchase is."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()
_BOUGHT = [
    ColSpec(Array(DataType.string), "product_ids"),
    ColSpec(Array(DataType.long), "days"),
    ColSpec(Array(DataType.double), "quantities"),
    ColSpec(DataType.long, "day"),
]
_ANSWER = [
    ColSpec(Array(DataType.string), "groups"),
    ColSpec(Array(DataType.string), "products"),
    ColSpec(Array(DataType.double), "quantities"),
    ColSpec(Array(DataType.string), "status"),
    ColSpec(Array(DataType.string), "due"),
    *(ColSpec(Array(DataType.double), f"due_within_{days}") for days in DATES),
]
SIGNATURE = ModelSignature(inputs=Schema(_BOUGHT), outputs=Schema(_ANSWER))


class ReplenishmentTable:
    """A fitted replenishment that takes and gives tables, one row a customer."""

    def __init__(self, model: FittedReplenishment) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What a customer bought until `day` in; the forecast of each group that has one out.

        `product_ids`, `days` (whole days since 1970) and `quantities` are lists, one entry a bought line. The answers
        are lists too, most likely first; `due` is the day by which the purchase has happened with probability one half
        (ISO), or None where that lies behind twelve weeks.
        """
        answers: list[dict[str, list[Any]]] = [{} for _ in range(len(rows))]
        asked = rows["day"].to_numpy(np.int64)
        lines = _lines(rows)
        for day in np.unique(asked):
            there = asked == day
            found = self.model.forecast(lines.among(there), int(day))
            found = found.rows(found.known)
            for place in np.flatnonzero(there):
                answers[place] = _answer(found.rows(found.customers == place))
        return pd.DataFrame(answers, columns=[column.name for column in _ANSWER])


def example(fitted: FittedReplenishment, at: datetime) -> pd.DataFrame:
    """Somebody who bought the first product three times, a week apart: what a caller of pyfunc has to send."""
    day = int(days_of(at))
    bought = [str(fitted.groups.product_ids[0])] * 3 if len(fitted.groups.product_ids) else []
    ago = [day - 21, day - 14, day - 7][: len(bought)]
    return pd.DataFrame([{"product_ids": bought, "days": ago, "quantities": [1.0] * len(bought), "day": day}])


def _lines(rows: pd.DataFrame) -> Lines:
    counts = [len(bought) for bought in rows["product_ids"]]
    ids, days, packs = (_flat(rows[name]) for name in ("product_ids", "days", "quantities"))
    product_ids, products = np.unique(ids.astype(str), return_inverse=True)
    return Lines(
        customers=np.repeat(np.arange(len(rows), dtype=np.int32), counts),
        products=products.astype(np.int32),
        days=days.astype(np.int32),
        packs=packs.astype(np.float64),
        prices=np.full(len(ids), np.nan),
        product_ids=product_ids.astype(object),
        customer_count=len(rows),
        day=int(max(days.max(initial=0), rows["day"].max())) if len(rows) else 0,
    )


def _flat(column: "pd.Series[Any]") -> NDArray[Any]:
    return np.array([entry for row in column for entry in row], object)


def _answer(found: Forecasts) -> dict[str, list[Any]]:
    soon = np.argsort(-found.due_within(DATES[0]), kind="stable")
    found = found.rows(soon.astype(np.int32))
    return {
        "groups": list(found.unit_ids),
        "products": list(found.product_ids),
        "quantities": found.packs.tolist(),
        "status": list(found.status),
        "due": list(_dates(found)),
        **{f"due_within_{days}": found.due_within(days).tolist() for days in DATES},
    }


def _dates(found: Forecasts) -> Iterator[str | None]:
    for day in found.due_day():
        yield (_EPOCH + timedelta(days=int(np.ceil(day)))).isoformat() if np.isfinite(day) else None


def _load_pyfunc(data_path: str) -> ReplenishmentTable:
    """The entry point that MLflow calls by this name."""
    return ReplenishmentTable(load(Path(data_path))[1])

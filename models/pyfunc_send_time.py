"""How MLflow's `pyfunc` opens published hours of the week: for a look from a notebook, or the best hours of a list.

The service loads the same files directly.
"""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from models.policies.hour_of_week import FittedHourOfWeek
from models.policies.rhythm import HOURS_OF_WEEK
from models.storage import load

_HOURS = Array(DataType.double)
SIGNATURE = ModelSignature(inputs=Schema([ColSpec(_HOURS, "visits")]), outputs=Schema([ColSpec(_HOURS, "scores")]))


class HourTable:
    """Fitted hours that take and give tables, one row a customer."""

    def __init__(self, model: FittedHourOfWeek) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`visits`, how many there were in each of the 168 hours of the week, in; how good each is to write, out."""
        counts = np.array([np.asarray(row, np.float64) for row in rows["visits"]]).reshape(-1, HOURS_OF_WEEK)
        return pd.DataFrame({"scores": self.model.scores(counts, np.full(len(counts), -1, np.int32)).tolist()})


def example(fitted: FittedHourOfWeek, at: datetime) -> pd.DataFrame:  # noqa: ARG001  # every family's is called so
    """Somebody who was there twice on a Monday evening: what a caller of pyfunc has to send."""
    counts = np.zeros(HOURS_OF_WEEK)
    counts[20] = 2.0
    return pd.DataFrame({"visits": [counts.tolist()]})


def _load_pyfunc(data_path: str) -> HourTable:
    """The entry point that MLflow calls by this name."""
    return HourTable(load(Path(data_path))[1])

"""How MLflow's `pyfunc` opens a published recommender: for batch work and for a look from a notebook.

The service never predicts through pyfunc (checking the signature costs 3 ms a call); it loads the same files directly.
"""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from models.recommenders.base import FittedRecommender, Query, days
from models.recommenders.suite import FittedSuite
from models.storage import load

ANSWERS = 20
"""How many products a row of the table gets."""

_HISTORY = [
    ColSpec(Array(DataType.string), "history_ids"),
    ColSpec(Array(DataType.double), "history_days"),
    ColSpec(Array(DataType.double), "history_weights"),
    ColSpec(DataType.double, "day"),
    ColSpec(DataType.string, "member", required=False),
]
_ANSWER = [ColSpec(Array(DataType.string), "ids"), ColSpec(Array(DataType.double), "scores")]
SIGNATURE = ModelSignature(inputs=Schema(_HISTORY), outputs=Schema(_ANSWER))


class RecommenderTable:
    """A fitted recommender that takes and gives tables, one row a customer."""

    def __init__(self, model: FittedRecommender) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`history_ids`, `history_days`, `history_weights` (lists) and `day` in; `ids` and `scores` (lists) out.

        With a column `member`, a row is answered by the recommender of that name, if the version is a suite; where it
        is null, and without the column, by the one that answers for the version. Raises KeyError for an unknown name.
        """
        columns = (rows["day"], rows["history_ids"], rows["history_days"], rows["history_weights"])
        queries = [
            Query(float(day), np.asarray(ids, object), np.asarray(past, np.float64), np.asarray(weights, np.float64))
            for day, ids, past, weights in zip(*columns, strict=True)
        ]
        members = rows["member"].to_numpy(object) if "member" in rows else np.full(len(rows), None, object)
        answers: list[list[tuple[str, float, str]]] = [[] for _ in queries]
        for member in dict.fromkeys(None if pd.isna(name) else str(name) for name in members):
            asked = np.flatnonzero(pd.isna(members) if member is None else members == member)
            ranking = self._member(member).recommend([queries[row] for row in asked], ANSWERS)
            for place, row in enumerate(asked):
                answers[row] = ranking.row(place)
        return pd.DataFrame(
            {
                "ids": [[id_ for id_, _, _ in answer] for answer in answers],
                "scores": [[score for _, score, _ in answer] for answer in answers],
            }
        )

    def _member(self, name: str | None) -> FittedRecommender:
        if name is None or name == self.model.name:
            return self.model
        if isinstance(self.model, FittedSuite):
            return self.model.member(name)
        raise KeyError(f"no recommender {name!r} in this version; it is {self.model.name}")


def example(fitted: FittedRecommender, at: datetime) -> pd.DataFrame:
    """Somebody who bought the first two products a day before `at`: what a caller of pyfunc has to send."""
    day = days(at)
    ids = [str(id_) for id_ in fitted.item_ids[:2]]
    row = {"history_ids": ids, "history_days": [day - 1] * len(ids), "history_weights": [1.0] * len(ids), "day": day}
    return pd.DataFrame([row])


def _load_pyfunc(data_path: str) -> RecommenderTable:
    """The entry point that MLflow calls by this name."""
    return RecommenderTable(load(Path(data_path))[1])

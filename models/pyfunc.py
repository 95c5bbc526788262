"""How MLflow's `pyfunc` opens a published recommender: for batch work and for a look from a notebook.

The service never predicts through pyfunc (checking the signature costs 3 ms a call); it loads the same files directly.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from models.recommenders.base import FittedRecommender, Query
from models.storage import load

ANSWERS = 20
"""How many products a row of the table gets."""


class RecommenderTable:
    """A fitted recommender that takes and gives tables, one row a customer."""

    def __init__(self, model: FittedRecommender) -> None:
        self.model = model

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`history_ids`, `history_days`, `history_weights` (lists) and `day` in; `ids` and `scores` (lists) out."""
        columns = (rows["day"], rows["history_ids"], rows["history_days"], rows["history_weights"])
        queries = [
            Query(float(day), np.asarray(ids, object), np.asarray(days, np.float64), np.asarray(weights, np.float64))
            for day, ids, days, weights in zip(*columns, strict=True)
        ]
        ranking = self.model.recommend(queries, ANSWERS)
        answers = [ranking.row(index) for index in range(len(queries))]
        return pd.DataFrame(
            {
                "ids": [[id_ for id_, _, _ in answer] for answer in answers],
                "scores": [[score for _, score, _ in answer] for answer in answers],
            }
        )


def _load_pyfunc(data_path: str) -> RecommenderTable:
    """The entry point that MLflow calls by this name."""
    return RecommenderTable(load(Path(data_path))[1])

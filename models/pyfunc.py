"""How MLflow's `pyfunc` opens a published recommender: for batch work and for a look from a notebook.

The service never predicts through pyfunc (checking the signature costs 3 ms a call); it loads the same files directly.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from models.recommenders.base import FittedRecommender, Query
from models.recommenders.suite import FittedSuite
from models.storage import load

ANSWERS = 20
"""How many products a row of the table gets."""


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
            Query(float(day), np.asarray(ids, object), np.asarray(days, np.float64), np.asarray(weights, np.float64))
            for day, ids, days, weights in zip(*columns, strict=True)
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


def _load_pyfunc(data_path: str) -> RecommenderTable:
    """The entry point that MLflow calls by this name."""
    return RecommenderTable(load(Path(data_path))[1])

"""RecTools: EASE, PureSVD and SASRec. It needs numpy below 2, so it has an environment of its own.

python -m benchmarks.peers.run_rectools FOLDER SECONDS
"""

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning import seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel, PureSVDModel, SASRecModel

from benchmarks.peers.exchange import DEPTH, Codes, Lines, serve
from benchmarks.peers.matrix import matrix

SEED = 7


def ease(lines: Lines, most: int, half_life: float | None, power: float, regularization: float) -> tuple[Codes, Codes]:
    """`EASEModel` over the `most` products that have the most lines: a dense inverse over all 65,000 would need 34
    GB."""
    return _answers(lines, EASEModel(regularization=regularization), _weighted(lines, half_life, power, most))


def pure_svd(lines: Lines, half_life: float | None, power: float, factors: int) -> tuple[Codes, Codes]:
    """`PureSVDModel`, whose own seed the scipy of its environment refuses."""
    return _answers(lines, PureSVDModel(factors=factors), _weighted(lines, half_life, power))


def sasrec(lines: Lines, most: int, **parameters: Any) -> tuple[Codes, Codes]:
    """`SASRecModel` with sampled negatives, over lines in the order of baskets and the `most` products."""
    kept = np.isin(lines.items, _most_bought(lines, most))
    sequence = pd.DataFrame(
        {
            Columns.User: lines.customers[kept],
            Columns.Item: lines.items[kept],
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp(0) + pd.to_timedelta(lines.days[kept], unit="D"),
        }
    )
    return _answers(lines, SASRecModel(**parameters, deterministic=True, verbose=0), sequence)


def _weighted(lines: Lines, half_life: float | None, power: float, most: int | None = None) -> pd.DataFrame:
    cells = matrix(lines, half_life, power).tocoo()
    kept = np.isin(cells.col, _most_bought(lines, most)) if most else np.ones(len(cells.col), bool)
    return pd.DataFrame(
        {
            Columns.User: cells.row[kept],
            Columns.Item: cells.col[kept],
            Columns.Weight: cells.data[kept],
            Columns.Datetime: pd.Timestamp("2000-01-01"),
        }
    )


def _most_bought(lines: Lines, most: int) -> Codes:
    return np.argsort(-np.bincount(lines.items), kind="stable")[:most].astype(np.int32)


def _answers(lines: Lines, model: Any, interactions: pd.DataFrame) -> tuple[Codes, Codes]:
    dataset = Dataset.construct(interactions)
    model.fit(dataset)
    known = lines.asked[np.isin(lines.asked, interactions[Columns.User].unique())]
    place = np.full(lines.customer_count, -1)
    place[lines.asked] = np.arange(len(lines.asked))
    found = []
    for only_new in (False, True):
        table = model.recommend(known, dataset, k=DEPTH, filter_viewed=only_new)
        codes = np.full((len(lines.asked), DEPTH), -1, np.int32)
        codes[place[table[Columns.User]], table[Columns.Rank] - 1] = table[Columns.Item]
        found.append(codes)
    return found[0], found[1]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    seed_everything(SEED, verbose=False)
    serve({"ease": ease, "pure_svd": pure_svd, "sasrec": sasrec})

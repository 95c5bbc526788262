"""`implicit`: ALS, BPR, and neighbours by cosine and BM25. Runs in the project's own environment.

python -m benchmarks.peers.run_implicit FOLDER SECONDS
"""

import warnings
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import csr_matrix

from benchmarks.peers.exchange import DEPTH, Codes, Lines, serve
from benchmarks.peers.matrix import matrix

SEED = 7
_FORBIDDEN = float(np.finfo(np.float32).min)


def als(lines: Lines, half_life: float | None, power: float, **parameters: Any) -> tuple[Codes, Codes]:
    """`AlternatingLeastSquares`."""
    model = AlternatingLeastSquares(**parameters, num_threads=1, random_state=SEED)
    return _answers(lines, model, matrix(lines, half_life, power))


def bpr(lines: Lines, half_life: float | None, **parameters: Any) -> tuple[Codes, Codes]:
    """`BayesianPersonalizedRanking`, which knows no weights: what has faded below a tenth is left out."""
    faded = matrix(lines, half_life)
    faded.data[faded.data < 0.1] = 0
    faded.eliminate_zeros()
    return _answers(lines, BayesianPersonalizedRanking(**parameters, num_threads=1, random_state=SEED), faded)


def cosine(lines: Lines, half_life: float | None, power: float, **parameters: Any) -> tuple[Codes, Codes]:
    """`CosineRecommender`."""
    model = CosineRecommender(**parameters, num_threads=1)
    return _answers(lines, model, matrix(lines, half_life, power), least=0.0)


def bm25(lines: Lines, half_life: float | None, power: float, **parameters: Any) -> tuple[Codes, Codes]:
    """`BM25Recommender`."""
    model = BM25Recommender(**parameters, num_threads=1)
    return _answers(lines, model, matrix(lines, half_life, power), least=0.0)


def _answers(lines: Lines, model: Any, wanted: csr_matrix, least: float = _FORBIDDEN) -> tuple[Codes, Codes]:
    """Scores not above `least` are no answers: neighbour models give 0 to what is forbidden, factors the lowest."""
    model.fit(wanted, show_progress=False)
    found = []
    # Forbidden is all that was ever bought, whatever of it a short memory has left in `wanted`.
    everything = matrix(lines)[lines.asked]
    for only_new in (False, True):
        given = wanted[lines.asked]
        if only_new:
            # implicit forbids what the row given to it holds, and a row decides the score of neighbour models: an
            # entry that has faded stays in it with next to no weight.
            given = (given + 1e-12 * everything).tocsr()
        codes, scores = model.recommend(lines.asked, given, N=DEPTH, filter_already_liked_items=only_new)
        found.append(np.where(scores > least, codes, -1).astype(np.int32))
    return found[0], found[1]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve({"als": als, "bpr": bpr, "cosine": cosine, "bm25": bm25})

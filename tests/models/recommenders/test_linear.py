"""A linear model adds up rows: its parts, its order and what it keeps on disk."""

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Query
from models.recommenders.history import Forgetting
from models.recommenders.linear import FittedLinear
from models.recommenders.sparse_rows import SparseRows
from tests.models.recommenders.world import UNTIL, query

IDS = np.array(list("abcd"), object)
DENSE = np.array([[0, 2, -1, 0], [1, 0, 3, 0], [0, 0, 0, 0], [0.5, 0, 4, 0]], np.float32)


def rows(dense: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> SparseRows:
    owners, columns = np.nonzero(dense)
    indptr = np.searchsorted(owners, np.arange(len(dense) + 1))
    return SparseRows(indptr.astype(np.int64), columns.astype(np.int32), dense[owners, columns])


MODEL = FittedLinear("tried", IDS, UNTIL, rows(DENSE), Forgetting(10.0, 1.0), 0.5)
OTHER = FittedLinear("tried", IDS, UNTIL, rows(DENSE), Forgetting(10.0, 1.0), 0.5, nearest=rows(DENSE.T.copy()))


def answers(model: FittedLinear, asked: Query) -> dict[str, float]:
    return {id_: score for id_, score, _ in model.recommend([asked], 4).row(0)}


def test_each_product_counts_by_age_and_power() -> None:
    asked = query(["a", "b", "a"], days=UNTIL - np.array([10.0, 0, 0]), weights=np.array([1.0, 1, 3]))
    assert answers(MODEL, asked) == pytest.approx({"a": 1, "b": 2 * 3.5**0.5, "c": 3 - 3.5**0.5})


def test_what_the_history_speaks_against_is_no_answer() -> None:
    assert answers(MODEL, query(["a"], days=np.array([UNTIL]))) == {"b": 2}
    assert answers(MODEL, query(["c"])) == {}


def test_what_speaks_against_a_product_shows_in_the_reasons() -> None:
    asked = query(["a", "b"], days=np.full(2, UNTIL))
    assert MODEL.contributions(asked, ["c", "d", "x"]).tolist() == [[-1, 0, 0], [3, 0, 0]]


def test_what_is_like_a_product_can_differ_from_what_is_wanted_after_it() -> None:
    asked = query(["a"], days=np.array([UNTIL]))
    assert answers(OTHER, asked) == answers(MODEL, asked)
    assert [(id_, score) for id_, score, _ in MODEL.similar(["a"], 4).row(0)] == [("b", 2)]
    assert [(id_, score) for id_, score, _ in OTHER.similar(["a"], 4).row(0)] == [("b", 1), ("d", 0.5)]
    restored = FittedLinear.restored("tried", OTHER.arrays(), OTHER.forgetting, OTHER.power)
    assert restored.similar(["a"], 4).row(0) == OTHER.similar(["a"], 4).row(0)
    assert FittedLinear.restored("tried", MODEL.arrays(), MODEL.forgetting, 0.5).nearest is None


def test_over_more_products_both_kinds_of_rows_move() -> None:
    wider = OTHER.extended(Catalogue(UNTIL, np.array(["0", "bb"], object)))
    for id_ in IDS:
        assert wider.similar([id_], 6).row(0) == OTHER.similar([id_], 4).row(0)
        assert answers(wider, query([id_])) == answers(OTHER, query([id_]))

"""The same for everybody, unless each row allows something else."""

import numpy as np

from models.recommenders.impersonal import for_companions, for_everybody

IDS = np.array(["a", "b", "c"], object)
SCORES = np.array([1.0, 3.0, 2.0])


def test_each_row_gets_its_own_filter() -> None:
    allow = np.array([[True, True, True], [True, False, True]])
    answer = for_everybody(SCORES, 2, 2, allow, IDS, "new")
    assert answer.ids.tolist() == [["b", "c"], ["c", "a"]]


def test_companions_leave_out_the_product_and_the_scores_as_they_were() -> None:
    answer = for_companions(SCORES, ["b", "nobody knows", "a"], 2, None, IDS, "new")
    assert answer.ids.tolist() == [["c", "a"], [None, None], ["b", "c"]]
    assert SCORES.tolist() == [1.0, 3.0, 2.0]

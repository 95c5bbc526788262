import numpy as np

from serving.rules.columns import Columns
from serving.rules.history import history_of
from serving.rules.page import Page


def test_a_history_by_product():
    columns = Columns.build(np.array(["a", "b", "c", "d"], object), None)
    page = Page(
        10.0,
        np.array(["c", "a", "unknown", "c", "b", "a"], object),
        np.array([1.0, 2.0, 3.0, 4.0, 5.0, 0.5]),
        np.array([0.1, 0.1, 1.0, 1.0, 0.3, 0.1]),
    )
    history = history_of(page, columns)
    assert history.codes.tolist() == [0, 1, 2]
    assert history.times.tolist() == [2, 1, 2]
    assert history.first.tolist() == [0.5, 5.0, 1.0]
    assert history.last.tolist() == [2.0, 5.0, 4.0]
    assert history.bought.tolist() == [2]
    assert history.only_viewed.tolist() == [0]


def test_nobody_has_an_empty_history():
    columns = Columns.build(np.array(["a"], object), None)
    assert not len(history_of(Page(10.0), columns).codes)

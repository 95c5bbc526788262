"""A split by time never lets a window overlap what was learned from, whatever the windows."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.splits import latest_folds

END = datetime(2018, 1, 1, 4, tzinfo=UTC)


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=90)), st.integers(1, 9))
def test_folds_are_back_to_back_and_end_at_the_end(window: timedelta, count: int) -> None:
    folds = latest_folds(END, window, count)
    assert len(folds) == count
    assert folds[-1].until == END
    assert all(fold.until - fold.split == window for fold in folds)
    assert all(one.until == other.split for one, other in pairwise(folds))


@pytest.mark.parametrize(("window", "count"), [(timedelta(0), 1), (timedelta(days=-1), 1), (timedelta(days=1), 0)])
def test_no_fold_is_refused(window: timedelta, count: int) -> None:
    with pytest.raises(ValueError, match="make no fold"):
        latest_folds(END, window, count)

"""Weighing down a tree: lawful whatever is offered, and what is bad as a whole is tried as one thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Floats
from models.policies.branching import branched
from models.policies.eligible import FACTORS, Eligible
from models.policies.gap_weighting import gap_weighted

ACTION = st.dictionaries(st.sampled_from(FACTORS), st.sampled_from(["a", "b", "c"]), max_size=4)
OFFERS = st.lists(st.lists(st.tuples(ACTION, st.floats(-1e6, 1e6)), min_size=1, max_size=12), min_size=1, max_size=4)


def offered(decisions: list[list[tuple[dict[str, str], float]]]) -> tuple[Floats, Eligible]:
    values = np.array([value for decision in decisions for _, value in decision])
    return values, Eligible.of([[(factors, {}) for factors, _ in decision] for decision in decisions])


@given(OFFERS, st.floats(0.0, 1e9))
@settings(deadline=None)
def test_all_sum_to_one_and_the_best_is_never_less_likely_than_its_equals(
    decisions: list[list[tuple[dict[str, str], float]]], sharpness: float
) -> None:
    values, eligible = offered(decisions)
    found = branched(values, eligible, sharpness)
    assert (found > 0).all()
    assert eligible.total(found) == pytest.approx(np.ones(len(eligible)), abs=1e-9)
    alike = np.column_stack([eligible.decisions, eligible.codes])
    for row in np.unique(alike, axis=0):
        same = (alike == row).all(axis=1)
        assert (np.diff(found[same][np.argsort(values[same])]) >= -1e-12).all()


@given(OFFERS)
@settings(deadline=None)
def test_much_sharpness_is_greed(decisions: list[list[tuple[dict[str, str], float]]]) -> None:
    values, eligible = offered(decisions)
    rounded = np.round(values, 3)
    found = branched(rounded, eligible, 1e15)
    best = rounded == eligible.most(rounded)[eligible.decisions]
    assert eligible.total(np.where(best, found, 0.0)) == pytest.approx(np.ones(len(eligible)), abs=1e-6)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.floats(0.0, 100.0))
def test_where_messages_share_nothing_but_a_branch_it_is_plain_weighing(values: list[float], sharpness: float) -> None:
    eligible = Eligible.of([[({}, {})] * len(values)])
    plain = gap_weighted(np.array(values), eligible, sharpness)
    assert branched(np.array(values), eligible, sharpness) == pytest.approx(plain, abs=1e-12)


def test_more_messages_that_harm_take_nothing_from_silence() -> None:
    def silence(count: int) -> float:
        eligible = Eligible.of([[({}, {}), *(({"channel": "email", "argument": f"a{i}"}, {}) for i in range(count))]])
        return float(branched(np.append(0.0, np.full(count, -0.5)), eligible, 16.0)[0])

    assert silence(1) == silence(30) == pytest.approx(0.9)


def test_a_bad_delay_is_tried_as_often_however_many_messages_have_it() -> None:
    def late(count: int) -> float:
        channels = [f"c{i}" for i in range(count)]
        eligible = Eligible.of(
            [[({"channel": name, "delay": delay}, {}) for delay in ("1h", "9d") for name in channels]]
        )
        found = branched(np.repeat([0.0, -0.5], count), eligible, 16.0)
        return float(found[count:].sum())

    assert late(2) == pytest.approx(late(20)) == pytest.approx(0.1)

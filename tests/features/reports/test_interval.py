"""An interval of a report never holds what JSON cannot say, and knows on which side of 0 it lies."""

import json
from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.reports.interval import Interval


@given(st.floats(), st.floats(), st.floats())
def test_whatever_it_is_made_of_it_is_json_and_comes_back(mean: float, low: float, high: float) -> None:
    found = Interval.of(mean, low, high)
    encoded = msgspec.json.encode(found)
    json.loads(encoded, parse_constant=pytest.fail)
    assert msgspec.json.decode(encoded, type=Interval) == found


def test_an_end_without_bound_proves_nothing() -> None:
    assert not Interval.of(5.0, -inf, inf).above
    assert not Interval.of(nan, nan, nan).below
    assert Interval.of(5.0, 0.1, inf).above
    assert Interval.of(-5.0, -inf, -0.1).below
    assert not Interval.of(5.0, 0.0, 9.0).above


def test_many_are_worth_as_many_times_as_much() -> None:
    assert Interval.of(1.0, -inf, 2.0).times(30) == Interval(30.0, None, 60.0)

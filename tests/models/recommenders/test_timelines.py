"""Histories side by side are in the order that each has alone, whatever order they come in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Codes
from models.recommenders.base import Query
from models.recommenders.timelines import Timelines, moment
from tests.models.recommenders.world import UNTIL, query

WIDTH = 6


def asked(rng: np.random.Generator) -> tuple[list[Query], list[Codes]]:
    """Up to six histories with many equal days, weights and products, half of them in the order of time."""
    queries, codes = [], []
    for length in rng.integers(0, 12, rng.integers(1, 7)):
        days = UNTIL - rng.integers(-3, 60, length) / 2
        days = np.sort(days) if rng.random() < 0.5 else days
        queries.append(query(["x"] * length, days, rng.integers(1, 3, length) / 2))
        codes.append(rng.integers(-1, WIDTH, length).astype(np.int32))
    return queries, codes


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_entries_are_those_of_each_history_by_product_time_and_weight(seed: int) -> None:
    queries, codes = asked(np.random.default_rng(seed))
    told = Timelines.of(queries, codes, WIDTH)
    expected = [
        (owner, code, one.days[place], one.weights[place])
        for owner, (one, known) in enumerate(zip(queries, codes, strict=True))
        for place, code in enumerate(known)
        if code >= 0
    ]
    columns = (told.owners, told.products, told.days, told.weights)
    assert list(zip(*(column[told.order] for column in columns), strict=True)) == sorted(expected)
    assert told.cells.tolist() == [owner * WIDTH + code for owner, code, _, _ in sorted(expected)]
    assert (told.products == [codes[owner][place] for owner, place in zip(told.owners, told.places, strict=True)]).all()
    for owner, one in enumerate(queries):
        mine = slice(told.starts[owner], told.starts[owner + 1])
        assert (told.owners[mine] == owner).all()
        assert (np.diff(told.days[mine]) >= 0).all()
        assert told.now[owner] == moment(one, told.days[mine])


def test_the_latest_are_remembered_and_given_to_nobody_else() -> None:
    rng = np.random.default_rng(3)
    (queries, codes), (others, their_codes) = asked(rng), asked(rng)
    once = Timelines.of(queries, codes, WIDTH)
    assert Timelines.of(list(queries), list(codes), WIDTH) is once
    assert Timelines.of(queries, codes, WIDTH + 1) is not once
    assert len(Timelines.of(others, their_codes, WIDTH).starts) == len(others) + 1

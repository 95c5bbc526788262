"""A breaker opens after failures in a row, lets one ask after its rest, and nobody beside that one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.breaker import Breaker


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker("store", failures=3)
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.state == "closed"
    for _ in range(3):
        assert breaker.admits()
        breaker.failed()
    assert breaker.state == "open"
    assert not breaker.admits()


def test_who_goes_away_gives_the_turn_back() -> None:
    time = Time()
    breaker = Breaker("store", failures=1, rest_seconds=1, clock=time)
    breaker.failed()
    time.now = 2
    assert breaker.admits()
    assert not breaker.admits()
    breaker.abandoned()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits(), "a failed question begins a new rest"
    time.now = 4
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state == "closed"


@given(st.lists(st.sampled_from(["ask", "fail", "succeed", "go", "wait"])))
def test_at_most_one_asks_while_it_is_not_closed(steps: list[str]) -> None:
    time = Time()
    breaker = Breaker("store", failures=2, rest_seconds=1, clock=time)
    asking = 0
    for step in steps:
        if step == "wait":
            time.now += 1.5
        elif step == "ask":
            closed = breaker.state == "closed"
            if breaker.admits() and not closed:
                asking += 1
        else:
            {"fail": breaker.failed, "succeed": breaker.succeeded, "go": breaker.abandoned}[step]()
            asking = 0
        assert asking <= 1


def test_one_that_could_never_close_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Breaker("store", failures=0)


def test_who_never_says_what_became_of_it_does_not_keep_it_open_for_ever() -> None:
    time = Time()
    breaker = Breaker("store", failures=1, rest_seconds=1, clock=time)
    breaker.failed()
    time.now = 2
    assert breaker.admits()
    time.now = 10
    assert not breaker.admits()
    time.now = 100
    assert breaker.admits()

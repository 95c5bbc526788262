"""Token buckets: never more than the burst and the rate allow, and all that was promised is given."""

from hypothesis import example, given
from hypothesis import strategies as st

from serving.access.buckets import Buckets, Limit

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=60)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(GAPS, st.floats(0.5, 20), st.integers(1, 10))
def test_in_any_span_no_more_than_burst_and_rate_allow(gaps: list[float], rate: float, burst: int) -> None:
    time = Time()
    buckets = Buckets(Limit("key", rate, burst), time)
    passed = []
    for gap in gaps:
        time.now += gap
        if buckets.take("a").allowed:
            passed.append(time.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 1e-6


@example([0.3, 0.0, 0.0, 0.0], 0.5)
@given(GAPS, st.floats(0.5, 20))
def test_whoever_waits_as_told_gets_in(gaps: list[float], rate: float) -> None:
    time = Time()
    buckets = Buckets(Limit("key", rate, 3), time)
    for gap in gaps:
        time.now += gap
        left = buckets.take("a")
        if not left.allowed:
            assert left.wait >= 1
            time.now += left.wait
            assert buckets.take("a").allowed


def test_names_do_not_share() -> None:
    buckets = Buckets(Limit("key", 1, 1), Time())
    assert buckets.take("a").allowed
    assert not buckets.take("a").allowed
    assert buckets.take("b").allowed


def test_memory_is_bounded_however_many_come() -> None:
    buckets = Buckets(Limit("address", 1, 1), Time())
    for number in range(50_000):
        buckets.take(str(number))
    assert len(buckets._buckets) == 20_000


def test_the_headers_follow_the_draft() -> None:
    assert Limit("key", 500, 1_000).policy == '"key";q=1000;w=2'
    assert Limit("failures", 0.5, 30).policy == '"failures";q=30;w=60'


def test_what_is_missing_for_all_is_missing_here() -> None:
    time = Time()
    here = Buckets(Limit("key", 10, 20), time)
    here.take("a")
    here.take("a")
    here.learn(here.spent(9), {"a": 2 + 12})
    assert here.take("a").remaining == 20 - 2 - 12 - 1
    here.learn({"a": 0}, {"a": 2 + 12 + 30})  # what passed since it was told is no part of it yet
    assert not here.take("a").allowed
    time.now += 2.45
    assert not here.take("a").allowed
    time.now += 0.2
    assert here.take("a").allowed


def test_tokens_never_grow_by_hearing_of_others() -> None:
    here = Buckets(Limit("key", 1, 10), Time())
    seen = []
    for _ in range(5):
        seen.append(here.take("a").remaining)
        here.learn(here.spent(9), {"a": 0.0})
    assert seen == [9, 8, 7, 6, 5]


def test_what_nobody_could_be_told_for_an_hour_keeps_nobody_out_for_an_hour() -> None:
    time = Time()
    here = Buckets(Limit("key", 10, 20), time)
    for _ in range(36_000):
        time.now += 0.1
        assert here.take("a").allowed
    assert here.spent(9) == {"a": 2 * 20}


def test_who_was_forgotten_and_comes_again_meanwhile_owes_nothing_twice() -> None:
    here = Buckets(Limit("address", 1, 5), Time())
    for _ in range(4):
        here.take("a")
    told = here.spent(9)
    for number in range(20_000):
        here.take(str(number))
    here.take("a")
    here.learn(told, {"a": 4.0})
    assert "a" not in here.spent(30_000)
    assert here.take("a").remaining == 0

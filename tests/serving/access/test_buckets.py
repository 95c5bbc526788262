"""Token buckets: never more than the burst and the rate allow, whoever spends, and all that was promised is given."""

from itertools import pairwise

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


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.4), st.booleans()), min_size=5, max_size=150))
def test_all_workers_together_keep_to_the_bound(steps: list[tuple[int, float, bool]]) -> None:
    """`burst + rate * T + (n - 1) * (burst + what flows in between two exchanges)`, whoever asks whom."""
    time, rate, burst, workers = Time(), 4.0, 5.0, 3
    every = [Buckets(Limit("key", rate, burst), time) for _ in range(workers)]
    total, passed, exchanged, longest = 0, [], [0.0] * workers, 0.0
    for worker, gap, exchange in steps:
        time.now += gap
        if every[worker].take("a").allowed:
            passed.append(time.now)
        if exchange:
            for number, buckets in enumerate(every):
                told = buckets.spent(10)
                total += told.get("a", 0)
                if told:
                    buckets.learn(told, {"a": total})
                    longest = max(longest, time.now - exchanged[number])
                exchanged[number] = time.now
    longest = max([longest, *(time.now - at for at in exchanged)])
    bound = burst + rate * time.now + (workers - 1) * (burst + rate * longest)
    assert len(passed) <= bound + 1


def test_what_others_spent_is_missing_here_and_no_more_than_that() -> None:
    time = Time()
    here = Buckets(Limit("key", 10, 20), time)
    here.take("a")
    here.learn(here.spent(9), {"a": 1})
    here.take("a")
    here.learn(here.spent(9), {"a": 2 + 12})
    assert here.take("a").remaining == 20 - 2 - 12 - 1
    time.now += 100
    here.take("a")
    here.learn(here.spent(9), {"a": 2 + 12 + 1 + 1 + 990})  # others were at the limit all the time
    assert here.take("a").allowed


def test_tokens_never_grow_by_hearing_of_others() -> None:
    time = Time()
    here = Buckets(Limit("key", 1, 10), time)
    seen = []
    for step in range(5):
        seen.append(here.take("a").remaining)
        here.learn(here.spent(9), {"a": 2 * step})
    assert all(later < earlier for earlier, later in pairwise(seen))

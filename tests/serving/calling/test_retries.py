"""A pause is never shorter than was asked for, and there is none where it helps nothing."""

from hypothesis import given
from hypothesis import strategies as st

from serving.calling.errors import Invalid, Problem, RateLimited, Unreachable
from serving.calling.retries import Retries

CHANCE = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 9), st.floats(0, 5), CHANCE)
def test_what_was_asked_for_is_kept_and_jitter_comes_on_top(attempt: int, asked: float, chance: float) -> None:
    retries = Retries(attempts=10, first_seconds=0.5, most_seconds=5)
    pause = retries.pause(attempt, RateLimited(429, "rate_limited", "", retry_after=asked), chance)
    assert pause is not None
    assert asked <= pause <= asked + min(5, 0.5 * 2 ** (attempt - 1))


def test_the_pauses_of_many_spread_over_the_whole_time_and_grow() -> None:
    retries = Retries(attempts=10, first_seconds=1, most_seconds=60)
    first = [retries.pause(1, Unreachable(), chance / 10) for chance in range(10)]
    third = [retries.pause(3, Unreachable(), chance / 10) for chance in range(10)]
    assert first[0] == third[0] == 0
    assert third[9] == 4 * (first[9] or 0) == 3.6


@given(st.integers(1, 99), CHANCE)
def test_attempts_end_and_what_stays_wrong_is_not_tried_again(attempt: int, chance: float) -> None:
    assert (Retries(attempts=50).pause(attempt, Unreachable(), chance) is None) is (attempt >= 50)
    assert Retries(attempts=100).pause(attempt, Invalid(422, "validation_error", ""), chance) is None


def test_who_is_told_to_wait_too_long_is_told_so_at_once() -> None:
    retries, asked = Retries(most_seconds=20), RateLimited(429, "rate_limited", "", retry_after=20.5)
    assert retries.pause(1, asked, 0.0) is None
    again: Problem = RateLimited(429, "rate_limited", "", retry_after=20.0)
    assert retries.pause(1, again, 0.0) == 20

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from features.contact import Touch
from serving.decisions.bank import Caps
from serving.decisions.sends import Planned, bars, send_times

_DAY, _HOUR = 86_400, 3_600
_PERIODS = {"capped_1d": (_DAY, "day"), "capped_7d": (7 * _DAY, "week"), "capped_30d": (30 * _DAY, "month")}
_times = st.lists(st.integers(0, 40 * 24).map(lambda hour: hour * _HOUR), max_size=12).map(sorted)
_limits = st.none() | st.integers(0, 4)


def _broken(times: list[int], most: int, period: int) -> bool:
    """Whether some period, open at its start, holds more messages than it may."""
    return any(sum(end - period < at <= end for at in times) > most for end in times)


@given(times=_times, at=st.integers(-24, 45 * 24), day=_limits, week=_limits, month=_limits)
def test_a_cap_bars_exactly_what_would_overfill_a_period_that_was_not_overfilled(
    times: list[int], at: int, day: int | None, week: int | None, month: int | None
) -> None:
    limits = sorted(limit for limit in (day, week, month) if limit is not None)
    given_limits = iter(limits)
    caps = Caps(*(None if limit is None else next(given_limits) for limit in (day, week, month)))
    held = {bar.reason for bar in bars(times, caps, 0.0) if bar.holds(at * _HOUR)}
    for reason, (period, name) in _PERIODS.items():
        most = getattr(caps, name)
        if most is None:
            assert reason not in held
        elif not _broken(times, most, period):
            assert (reason in held) == _broken(sorted([*times, at * _HOUR]), most, period)


@given(times=_times, at=st.integers(-24, 45 * 24), gap=st.integers(0, 72))
def test_a_gap_is_kept_before_and_behind_every_message(times: list[int], at: int, gap: int) -> None:
    held = [bar.reason for bar in bars(times, Caps(), float(gap)) if bar.holds(at * _HOUR)]
    assert bool(held) == any(abs(time - at * _HOUR) < gap * _HOUR for time in times)


def test_a_plan_that_was_carried_out_counts_once_and_openings_do_not_count() -> None:
    noon = datetime(2026, 11, 16, 12, tzinfo=UTC)
    touches = [
        Touch(noon, "email", "sent", "dec_1"),
        Touch(noon, "email", "opened", "dec_1"),
        Touch(noon, "sms", "sent"),
    ]
    later = noon + timedelta(days=1)
    plans = [Planned(later, "email", "dec_1"), Planned(later, "email", "dec_2")]
    found = send_times(touches, plans)
    assert [(at - int(noon.timestamp()), channel) for at, channel in found] == [
        (0, "email"),
        (0, "sms"),
        (_DAY, "email"),
    ]

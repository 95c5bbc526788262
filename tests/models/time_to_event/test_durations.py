"""Durations are what a loop over every pair's later purchases finds, and Kaplan and Meier's curve is lifelines'."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from models.arrays import Floats
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.pairs import Watch, pairs_at
from tests.models.time_to_event.world import START, Clocks

SHOP = Clocks(shopping=0.5).sales(customers=12, units=5, days=160)
BIG = Clocks(interval=12.0).sales(customers=60, units=6, days=260)


@given(
    st.lists(st.integers(START + 5, START + 150), min_size=1, max_size=3, unique=True),
    st.integers(1, 100),
    st.integers(START + 10, START + 159),
)
def test_times_are_what_a_loop_finds(days: list[int], horizon: int, end: int) -> None:
    asked = [day for day in days if day < end]
    if not asked:
        with pytest.raises(ValueError, match="where the purchases end"):
            Durations.of(SHOP.until(end), days, horizon)
        return
    found = Durations.of(SHOP.until(end), days, horizon)
    assert sorted(set(found.pairs.days)) == sorted(day for day in asked if len(pairs_at(SHOP, day)))
    for row in range(len(found.times)):
        customer, unit, day = found.pairs.customers[row], found.pairs.units[row], found.pairs.days[row]
        mine = SHOP.days[(SHOP.customers == customer) & (SHOP.units == unit)]
        later = mine[(mine > day) & (mine <= min(end, day + horizon))]
        assert found.observed[row] == bool(len(later))
        assert found.times[row] == (later[0] - day if len(later) else min(horizon, end - day))


def test_the_future_behind_the_end_has_no_part() -> None:
    cut = Durations.of(SHOP.until(START + 100), [START + 60, START + 90])
    whole = Durations.of(SHOP, [START + 60, START + 90])
    assert len(cut.times) == len(whole.times)
    assert (cut.times <= whole.times).all()
    assert (cut.times[cut.observed] == whole.times[cut.observed]).all()


@pytest.mark.parametrize(
    ("change", "way_out"),
    [
        ({"times": np.ones(3)}, "needs a time"),
        ({"times": "zero"}, "below one day"),
        ({"times": "far"}, "reaches behind day"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], way_out: str) -> None:
    good = Durations.of(SHOP.until(START + 100), [START + 60])
    times = {"zero": np.zeros_like(good.times), "far": np.full_like(good.times, 41.0)}
    value = change["times"]
    with pytest.raises(ValueError, match=way_out):
        replace(good, times=times[value] if isinstance(value, str) else value)  # type: ignore[arg-type]


def surviving(days: Floats, times: Floats, observed: Floats, entry: Floats | None = None) -> list[float]:
    fitter = KaplanMeierFitter().fit(times, observed, entry=entry)
    return [float(value) for value in fitter.survival_function_at_times(days)]


def test_kaplan_meier_of_censored_durations_is_that_of_those_followed_to_the_end() -> None:
    """Cut short by the end of watching, durations still speak truly: censoring is told, not guessed."""
    origins = [START + day for day in (100, 120, 140)]
    whole = Durations.of(BIG, origins)
    cut = Durations.of(BIG.until(START + 160), origins)
    assert not cut.observed[cut.pairs.days == START + 140].all()
    days = np.array([5.0, 10.0, 20.0])
    full = surviving(days, whole.times, whole.observed)
    empirical = [float((np.where(whole.observed, whole.times, np.inf) > day).mean()) for day in days]
    assert full == pytest.approx(empirical, abs=1e-9)
    assert surviving(days, cut.times, cut.observed) == pytest.approx(full, abs=0.03)


def test_with_entry_at_the_days_elapsed_the_intervals_come_out_again() -> None:
    """A pair is seen from the day of asking on, so its interval is truncated on the left by what has elapsed."""
    steady = Clocks(rate=1e6, factors=(1.0,), interval=12.0, leave=1e-9).sales(4_000, 1, days=220)
    asked = Durations.of(steady, [START + 120], watch=Watch(1, 10_000))
    elapsed = asked.pairs.columns["elapsed"]
    days = np.array([3.0, 6.0, 12.0, 24.0])
    found = surviving(days, elapsed + asked.times, asked.observed, entry=elapsed)
    # Whatever falls due within a day is bought at its end, so a planted interval is half a day longer on average.
    assert found == pytest.approx(np.exp(-(days + 0.5) / 12.0), abs=0.03)
    # Without the entry, who had waited long already is counted as if seen from the start: far too slow.
    assert surviving(days[2:], elapsed + asked.times, asked.observed)[0] > found[2] + 0.2
    assert asked.times.max() <= HORIZON

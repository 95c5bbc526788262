"""Priors are the most likely parameters, as another program finds them, and shrink as they say."""

from dataclasses import replace

import numpy as np
import pytest
from lifelines import WeibullFitter

from models.arrays import Floats
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs, pairs_at
from models.time_to_event.priors import Fitting, Priors, fitted_priors
from tests.models.time_to_event.world import START, Clocks, ids

SHOP = Clocks(interval=12.0, rate=9.0, regularity=2.0, leave=1e-9).sales(customers=80, units=6, days=260)
PAST = Durations.of(SHOP.until(START + 190), [START + 100, START + 150, START + 176])
RIGID, LOOSE = Fitting(1e9, 1e9, (0, 1), 90), Fitting(1e-9, 2.0, (0,), 90)


def weibull(parameters: Floats, _: Floats, days: Floats) -> Floats:
    """One scale and one shape for everybody, and hardly anybody who stops."""
    return np.asarray(1e-9 + (1 - 1e-9) * np.exp(-((days / parameters[0]) ** parameters[1])), np.float64)


def nothing(pairs: Pairs) -> Floats:
    return np.empty((0, len(pairs)))


def fitted(fitting: Fitting, durations: Durations = PAST) -> Priors:
    return fitted_priors(weibull, nothing, np.array([20.0, 1.0]), durations, fitting)


def test_the_likelihood_of_truncated_and_censored_durations_is_that_of_lifelines() -> None:
    """A duration starts at the last purchase, is seen from the day of asking on, and ends within a day, or not yet."""
    elapsed = PAST.pairs.columns["elapsed"]
    ends = elapsed + PAST.times
    theirs = WeibullFitter().fit_interval_censoring(
        np.where(PAST.observed, ends - 1, ends), np.where(PAST.observed, ends, np.inf), entry=elapsed
    )
    # Ours is drawn to the start with the weight of a single row.
    ours = np.exp(fitted(RIGID).logs[-1])
    assert ours == pytest.approx([theirs.lambda_, theirs.rho_], rel=0.01)


def test_rigid_departments_are_all_alike_and_loose_ones_those_of_a_shop_of_their_own() -> None:
    rigid = fitted(RIGID)
    assert rigid.logs == pytest.approx(np.tile(rigid.logs[-1], (4, 1)), abs=1e-4)
    assert rigid.shifts == pytest.approx(np.zeros((6, 2)), abs=1e-4)
    loose = fitted(LOOSE)
    for department in range(3):
        alone = fitted(LOOSE, PAST.rows(PAST.pairs.departments == department))
        assert loose.logs[department] == pytest.approx(alone.logs[department], abs=0.02)
    assert np.ptp(loose.logs[:3, 0]) > 0.5


def test_a_unit_that_is_unlike_its_department_shifts_and_the_others_do_not_follow() -> None:
    """All units of one department, one of them needed half as often."""
    slow = Clocks(interval=12.0, factors=(1.0, 1.0, 2.0)).sales(customers=150, units=3, days=260)
    slow = replace(slow, parents=np.zeros(3, np.int32))
    found = fitted(Fitting(200.0, 2.0, (0,), 90), Durations.of(slow.until(START + 190), [START + 150, START + 176]))
    shifts = found.shifts[:, 0]
    assert shifts[2] - shifts[:2].mean() == pytest.approx(np.log(2.0), abs=0.35)
    assert abs(shifts[0] - shifts[1]) < 0.25
    assert (found.shifts[:, 1] == 0).all()


def test_only_the_last_days_of_asking_teach() -> None:
    windowed = fitted(replace(LOOSE, window=30))
    late = fitted(LOOSE, PAST.rows(PAST.pairs.days > START + 146))
    assert np.array_equal(windowed.logs, late.logs)
    assert not np.array_equal(windowed.logs, fitted(LOOSE).logs)


def test_a_unit_is_known_by_its_id_and_what_is_not_known_by_the_next_larger_kind() -> None:
    model = BGNBD().fit(PAST).priors
    one = pairs_at(SHOP, START + 200).rows(np.array([5], np.int32))
    unit, department = one.units[0], one.departments[0]
    assert np.log(model.of(one)[:, 0]) == pytest.approx(model.logs[department] + model.shifts[unit])
    misfiled = replace(one, parents=np.roll(one.parents, 1))
    assert np.array_equal(model.of(misfiled), model.of(one))
    unheard = replace(one, unit_ids=ids("new", 6))
    assert np.log(model.of(unheard)[:, 0]) == pytest.approx(model.logs[department])
    strange = replace(unheard, parent_ids=ids("new department", 3))
    assert np.log(model.of(strange)[:, 0]) == pytest.approx(model.logs[-1])

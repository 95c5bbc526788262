"""BG/NBD says what the paper says, and where its story is true, it is as good as whoever knows the parameters."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.utils import concordance_index
from scipy.integrate import quad
from scipy.stats import beta, gamma

from models.arrays import Floats
from models.time_to_event.bg_nbd import BGNBD, curve, history
from models.time_to_event.curves import daily, due_within
from models.time_to_event.durations import Durations
from models.time_to_event.priors import Priors
from tests.models.time_to_event.world import START, Clocks

CLOCKS = Clocks(interval=12.0)
SHOP = CLOCKS.sales(customers=500, units=6, days=330, seed=4)
PAST = Durations.of(SHOP.until(START + 190), [START + 134, START + 148, START + 162, START + 176])
FUTURE = Durations.of(SHOP, [START + 230])
TRUTH = np.log([[CLOCKS.rate, CLOCKS.rate * 12.0 * factor, CLOCKS.leave, CLOCKS.stay] for factor in CLOCKS.factors])


def concordance(curves: Floats, durations: Durations) -> float:
    return float(concordance_index(durations.times, curves.sum(axis=1), durations.observed))


@pytest.mark.parametrize(("repeats", "recency", "elapsed"), [(1, 5.0, 3.0), (3, 40.0, 25.0), (12, 90.0, 60.0)])
def test_the_formula_is_the_integral_over_all_rates_and_chances_to_stop(
    repeats: int, recency: float, elapsed: float
) -> None:
    """By Bayes' rule, with the likelihood of the paper (equation 3) and no closed form of anything."""
    parameters = np.array([0.8, 30.0, 0.6, 2.5])
    rate, scale, leave, stay = parameters

    def silent(span: float) -> float:
        rates = gamma(rate + repeats, scale=1 / (scale + recency))
        waiting = quad(lambda one: rates.pdf(one) * np.exp(-one * (span - recency)), 0, 5, limit=200)[0]
        goes_on = beta(leave, stay + repeats - 1).mean()
        return float(goes_on + (1 - goes_on) * waiting)

    told = np.array([float(repeats), recency])
    for horizon in (1.0, 14.0, 84.0):
        ours = curve(parameters, told, np.array(elapsed + horizon)) / curve(parameters, told, np.array(elapsed))
        span = recency + elapsed
        assert ours == pytest.approx(silent(span + horizon) / silent(span), rel=1e-5)


@given(
    st.integers(1, 60),
    st.floats(1.0, 400.0),
    st.floats(0.0, 400.0),
    st.floats(0.0, 84.0),
    st.lists(st.floats(0.05, 50.0), min_size=4, max_size=4),
)
def test_it_is_the_well_known_form(repeats: int, recency: float, elapsed: float, h: float, values: list[float]) -> None:
    r, alpha, a, b = values
    x, span = repeats, recency + elapsed
    alive = 1 / (1 + a / (b + x - 1) * ((alpha + span) / (alpha + recency)) ** (r + x)) if b + x > 1 else 0.0
    paper = 1 - alive * (1 - ((alpha + span) / (alpha + span + h)) ** (r + x))
    told = np.array([float(x), recency])
    ours = curve(np.array(values), told, np.array(elapsed + h)) / curve(np.array(values), told, np.array(elapsed))
    assert ours == pytest.approx(paper, abs=1e-9)


def test_without_knowing_the_parameters_it_foresees_as_whoever_planted_them() -> None:
    model = BGNBD().fit(PAST)
    oracle = replace(model, priors=truth(model.priors))
    mine, best = daily(model, FUTURE.pairs), daily(oracle, FUTURE.pairs)
    assert concordance(best, FUTURE) > 0.65
    assert concordance(mine, FUTURE) > concordance(best, FUTURE) - 0.01
    assert np.abs(mine - best).mean() < 0.02


@pytest.mark.parametrize("days", [7, 14, 28])
def test_where_its_story_is_true_its_chances_are_true(days: int) -> None:
    came = FUTURE.observed & (FUTURE.times <= days)
    model = BGNBD().fit(PAST)

    def error(priors: Priors) -> float:
        due = due_within(daily(replace(model, priors=priors), FUTURE.pairs), days)
        return float(
            np.mean([abs(due[bin_].mean() - came[bin_].mean()) for bin_ in np.array_split(np.argsort(due), 10)])
        )

    assert error(model.priors) < error(truth(model.priors)) + 0.01


def test_when_the_future_is_shuffled_nothing_is_foreseen() -> None:
    order = np.random.default_rng(1).permutation(len(FUTURE.times))
    shuffled = replace(FUTURE, times=FUTURE.times[order], observed=FUTURE.observed[order])
    assert concordance(daily(BGNBD().fit(PAST), FUTURE.pairs), shuffled) == pytest.approx(0.5, abs=0.02)


def test_what_it_knows_of_a_pair_is_three_numbers() -> None:
    told = history(FUTURE.pairs)
    assert told.shape == (2, len(FUTURE.pairs))
    assert (told[0] >= 1).all()
    assert np.array_equal(told[1] + FUTURE.pairs.columns["elapsed"], FUTURE.pairs.columns["span"])


def truth(fitted: Priors) -> Priors:
    logs = np.vstack([TRUTH, TRUTH.mean(axis=0)])
    return replace(fitted, logs=logs, shifts=np.zeros_like(fitted.shifts))

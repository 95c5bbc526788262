"""Regular customers get sharp curves, and those far behind their own pace are taken to have stopped."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import fisk, lognorm, norm, weibull_min

from models.arrays import Floats
from models.time_to_event import weibull
from models.time_to_event.base import TimeToEvent
from models.time_to_event.curves import daily, due_within, quantile
from models.time_to_event.durations import Durations
from models.time_to_event.log_logistic import LogLogistic
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.mixture import Mixture
from models.time_to_event.weibull import Weibull
from tests.models.time_to_event.test_contract import one_customer
from tests.models.time_to_event.world import START, Clocks, together

_FITTED: dict[TimeToEvent, Any] = {}
SHOP = together(Clocks(regularity=60.0, leave=0.1).sales(days=330), Clocks(leave=0.1).sales(days=330))
PAST = Durations.of(SHOP.until(START + 240), [START + 180, START + 210])
DAYS = np.array([1.0, 5.0, 20.0, 80.0])
RENEWALS = pytest.mark.parametrize("recipe", [LogNormal(), LogLogistic(), Weibull()], ids=lambda one: one.name)


def fitted(recipe: TimeToEvent) -> Any:
    """Fitted on a shop where half of the customers are regular, once for all tests."""
    if recipe not in _FITTED:
        _FITTED[recipe] = recipe.fit(PAST)
    return _FITTED[recipe]


@RENEWALS
def test_known_to_the_day_it_is_the_distribution_of_its_name(recipe: LogNormal | LogLogistic | Weibull) -> None:
    """With a belief that nothing moves and nobody who stops, all that is left is the textbook's curve."""
    model = fitted(recipe)
    if isinstance(recipe, Weibull):
        parameters = np.array([20.0, 1e9, 1.7, 1e9, 1.0, 1e-12, 1.0])
        told, theirs = np.array([3.0, 1.0]), weibull_min(1.7, scale=20.0).sf(DAYS)
    else:
        parameters = np.array([20.0, 1e9, 0.6, 1e9, 1e-12, 1.0])
        told = np.array([3.0, 1.0, 9.0])
        logistic = fisk(np.pi / np.sqrt(3.0) / 0.6, scale=20.0)
        theirs = (lognorm(0.6, scale=20.0) if isinstance(recipe, LogNormal) else logistic).sf(DAYS)
    assert model.curve(parameters[:, None], told[:, None], DAYS) == pytest.approx(theirs, abs=1e-6)


def test_the_frailty_of_a_weibull_is_a_gamma_mixture() -> None:
    parameters, told = np.array([20.0, 1.0, 1.3, 2.0, 1.0, 1e-12, 1.0]), np.array([0.0, 0.0])
    frailties = np.random.default_rng(1).gamma(2.0, 1 / 2.0, 400_000)
    mixed = [float(np.exp(-frailties * (day / 20.0) ** 1.3).mean()) for day in DAYS]
    assert weibull.curve(parameters[:, None], told[:, None], DAYS) == pytest.approx(mixed, abs=0.003)


def middle(curves: Floats) -> float:
    """How many days the middle half of those who come within the curve takes."""
    given = 1 - (1 - curves) / (1 - curves[:, -1:])
    return float((quantile(given, 0.75) - quantile(given, 0.25))[0])


@pytest.mark.parametrize("recipe", [LogNormal(), LogLogistic(), Mixture()], ids=lambda one: one.name)
def test_the_regular_get_sharper_curves_than_the_erratic_of_the_same_pace(
    recipe: LogNormal | LogLogistic | Mixture,
) -> None:
    model = fitted(recipe)
    last, day = START + 230, START + 235
    regular = list(range(last - 160, last + 1, 20))
    erratic = last - np.cumsum([0, 4, 36, 20, 5, 38, 9, 37, 11])
    assert len(regular) == len(erratic)
    sharp, blunt = (daily(model, one_customer([int(one) for one in days], day)) for days in (regular, erratic))
    assert middle(sharp) < 0.7 * middle(blunt)


@RENEWALS
def test_the_long_silent_have_stopped_rather_than_being_due_at_once(recipe: LogNormal | LogLogistic | Weibull) -> None:
    model = fitted(recipe)
    days = list(range(START, START + 100, 10))
    soon, late, gone = (
        float(due_within(daily(model, one_customer(days, days[-1] + wait)), 14)[0]) for wait in (7, 25, 110)
    )
    assert soon > 0.5
    assert soon > late > gone


def test_norm_is_what_a_log_normal_is_made_of() -> None:
    """The interval that is usual is the median, not the mean."""
    parameters = np.array([20.0, 1e9, 0.6, 1e9, 1e-12, 1.0])[:, None]
    told = np.zeros((3, 1))
    assert fitted(LogNormal()).curve(parameters, told, np.array([20.0])) == pytest.approx(norm.sf(0.0))

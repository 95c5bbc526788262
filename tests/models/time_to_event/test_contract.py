"""Laws that no time-to-event model can dodge: every recipe of the family runs through all of them."""

from dataclasses import fields, replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Codes, Floats
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.curves import daily, quantile
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.family import from_json, to_json
from models.time_to_event.pairs import Pairs, Watch, pairs_at
from models.time_to_event.purchases import Purchases
from tests.models.time_to_event.world import START, VARIATIONS, Clocks, bought_by, ids

CUSTOMERS, UNITS, DEPARTMENTS = 37, 9, 3
CUT, LATER = START + 215, START + 240
ORIGINS = [START + 150, START + 186, START + 200]
EVERYBODY = Watch(purchases=1, days=100_000)
SHOP = Clocks(shopping=0.4, regularity=1.5).sales(CUSTOMERS, UNITS, days=300)
DURATIONS = Durations.of(SHOP.until(CUT), ORIGINS)
PAIRS = pairs_at(SHOP, LATER, EVERYBODY)
EVERY = pytest.mark.parametrize("recipe", VARIATIONS.values(), ids=list(VARIATIONS))
RHYTHMIC = ("mean_interval", "log_normal", "log_logistic", "weibull")
"""Those that see how regular somebody is; for the memoryless a clockwork is a lucky streak."""
NEAR = 2e-3
"""What an optimiser's end may differ by when sums run in another order."""
_FITTED: dict[TimeToEvent, FittedTimeToEvent] = {}


def fitted(recipe: TimeToEvent) -> FittedTimeToEvent:
    """Fitted on DURATIONS, once for all laws."""
    if recipe not in _FITTED:
        _FITTED[recipe] = recipe.fit(DURATIONS)
    return _FITTED[recipe]


def lawful(curves: Floats) -> None:
    assert np.isfinite(curves).all()
    assert (curves[:, 0] == 1.0).all()
    assert (curves >= 0.0).all()
    assert (np.diff(curves, axis=1) <= 1e-12).all()


def one_customer(days: list[int], day: int, unit: int = 4, packs: float = 1.0) -> Pairs:
    """Somebody who bought one unit on `days`, asked about on `day`."""
    count = len(days)
    bought = bought_by(
        np.zeros(count, np.int32),
        np.full(count, unit, np.int32),
        np.array(days, np.int32),
        UNITS,
        DEPARTMENTS,
        1,
        max(day, *days),
    )
    return pairs_at(replace(bought, packs=np.full(len(bought.days), packs)), day, EVERYBODY)


@EVERY
def test_a_curve_starts_at_one_and_never_rises(recipe: TimeToEvent) -> None:
    curves = daily(fitted(recipe), PAIRS)
    assert curves.shape == (len(PAIRS), HORIZON + 1)
    lawful(curves)
    assert (curves[:, -1] < 1.0).mean() > 0.5, "nobody is ever due"


@EVERY
@given(
    days=st.lists(st.integers(START - 3_000, LATER), min_size=1, max_size=12),
    wait=st.integers(0, 4_000),
    packs=st.sampled_from([1e-9, 1.0, 1e12]),
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_history_the_curve_is_lawful(
    recipe: TimeToEvent, days: list[int], wait: int, packs: float
) -> None:
    lawful(daily(fitted(recipe), one_customer(days, max(days) + wait, packs=packs)))


@EVERY
@pytest.mark.parametrize(
    "days",
    [[LATER], [LATER] * 5, [LATER - 1], [0, LATER], list(range(LATER - 400, LATER + 1)), [LATER - 20_000] * 2],
    ids=["today", "all on one day", "once", "two in a lifetime", "daily", "of another age"],
)
def test_odd_customers_are_answered(recipe: TimeToEvent, days: list[int]) -> None:
    lawful(daily(fitted(recipe), one_customer(days, LATER)))


@EVERY
def test_nobody_is_answered_with_nothing(recipe: TimeToEvent) -> None:
    nobody = PAIRS.rows(np.zeros(len(PAIRS), bool))
    assert fitted(recipe).survival(nobody, np.arange(5.0)).shape == (0, 5)
    nothing = replace(nobody, unit_ids=ids("", 0), parents=np.empty(0, np.int32), parent_ids=ids("", 0))
    assert fitted(recipe).survival(nothing, np.arange(5.0)).shape == (0, 5)


@EVERY
def test_a_batch_answers_as_its_rows_one_by_one(recipe: TimeToEvent) -> None:
    curves = daily(fitted(recipe), PAIRS)
    for row in range(0, len(PAIRS), 37):
        alone = daily(fitted(recipe), PAIRS.rows(np.array([row], np.int32)))
        assert alone[0] == pytest.approx(curves[row], abs=1e-12)


@EVERY
def test_a_customer_alone_speaks_of_fewer_units_and_is_answered_the_same(recipe: TimeToEvent) -> None:
    """A request brings the units of one customer only, coded by themselves, maybe without their departments."""
    curves = daily(fitted(recipe), PAIRS)
    for row in range(0, len(PAIRS), 53):
        one = PAIRS.rows(np.array([row], np.int32))
        unit, parent = one.units, one.parents[one.units]
        alone = replace(
            one,
            units=np.zeros(1, np.int32),
            unit_ids=one.unit_ids[unit],
            parents=np.zeros(1, np.int32),
            parent_ids=one.parent_ids[parent],
        )
        assert daily(fitted(recipe), alone)[0] == pytest.approx(curves[row], abs=1e-12)


@EVERY
def test_unknown_units_are_answered_as_their_department_and_unknown_departments_as_all(recipe: TimeToEvent) -> None:
    new = replace(PAIRS, unit_ids=ids("new unit", UNITS))
    stranger = replace(new, parent_ids=ids("new department", DEPARTMENTS))
    for pairs in (new, stranger):
        lawful(daily(fitted(recipe), pairs))
    # Where nothing is known of a unit, units of one department are alike, and units of all departments.
    histories = [one_customer([LATER - 60, LATER - 40, LATER - 10], LATER, unit) for unit in range(UNITS)]
    for alike, names in ((DEPARTMENTS, ids("department", DEPARTMENTS)), (1, ids("other", DEPARTMENTS))):
        asked = [replace(pairs, unit_ids=new.unit_ids, parent_ids=names) for pairs in histories]
        curves = np.concatenate([daily(fitted(recipe), pairs) for pairs in asked])
        for unit in range(UNITS):
            assert curves[unit] == pytest.approx(curves[unit % alike], abs=1e-12)


@EVERY
def test_some_horizons_are_those_of_all(recipe: TimeToEvent) -> None:
    curves = daily(fitted(recipe), PAIRS)
    some = np.array([0, 1, 7, 30, HORIZON])
    assert fitted(recipe).survival(PAIRS, some.astype(np.float64)) == pytest.approx(curves[:, some], abs=1e-12)


@EVERY
@given(
    gaps=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    waits=st.lists(st.integers(0, 250), min_size=2, max_size=6, unique=True),
    unit=st.integers(0, UNITS - 1),
)
@settings(max_examples=40, deadline=None)
def test_silence_never_brings_the_due_date_nearer(
    recipe: TimeToEvent, gaps: list[int], waits: list[int], unit: int
) -> None:
    """Nothing bought until a later day says that the need is later, or gone. A date behind the curve's end is only
    known to lie there, so the end stands for it.
    """
    days = (START + np.cumsum([0, *gaps])).tolist()
    asked = [one_customer(days, days[-1] + wait, unit) for wait in sorted(waits)]
    curves = np.concatenate([daily(fitted(recipe), pairs) for pairs in asked])
    for share in (0.1, 0.5, 0.9):
        dates = np.sort(waits) + np.minimum(quantile(curves, share), HORIZON)
        assert (np.diff(dates) >= -1e-6).all(), (share, dates)


@EVERY
def test_relabelling_units_changes_nothing_but_names(recipe: TimeToEvent) -> None:
    order = np.random.default_rng(1).permutation(UNITS).astype(np.int32)
    shop = relabelled(SHOP, units=order)
    model = recipe.fit(Durations.of(shop.until(CUT), ORIGINS))
    theirs = pairs_at(shop, LATER, EVERYBODY)
    place = np.lexsort((order[PAIRS.units], PAIRS.customers))
    assert daily(model, theirs) == pytest.approx(daily(fitted(recipe), PAIRS)[place], abs=NEAR)


@EVERY
def test_no_customer_is_stored(recipe: TimeToEvent) -> None:
    for name, array in fitted(recipe).arrays().items():
        assert CUSTOMERS not in array.shape, name
    order = np.random.default_rng(2).permutation(CUSTOMERS).astype(np.int32)
    model = recipe.fit(Durations.of(relabelled(SHOP, customers=order).until(CUT), ORIGINS))
    assert daily(model, PAIRS) == pytest.approx(daily(fitted(recipe), PAIRS), abs=NEAR)


@EVERY
def test_the_order_of_the_durations_does_not_matter(recipe: TimeToEvent) -> None:
    order = np.random.default_rng(3).permutation(len(DURATIONS.times)).astype(np.int32)
    model = recipe.fit(DURATIONS.rows(order))
    assert daily(model, PAIRS) == pytest.approx(daily(fitted(recipe), PAIRS), abs=NEAR)


@EVERY
def test_what_happens_after_the_end_of_watching_changes_nothing(recipe: TimeToEvent) -> None:
    known = SHOP.days <= CUT
    past = bought_by(SHOP.customers[known], SHOP.units[known], SHOP.days[known], UNITS, DEPARTMENTS, CUSTOMERS, day=CUT)
    mine, its = fitted(recipe), recipe.fit(Durations.of(past, ORIGINS))
    assert mine.day == its.day == CUT
    for name, array in mine.arrays().items():
        assert np.array_equal(array, its.arrays()[name]), name
    asked = pairs_at(SHOP, CUT, EVERYBODY)
    assert np.array_equal(daily(mine, asked), daily(its, pairs_at(past, CUT, EVERYBODY)))


@EVERY
def test_saving_and_loading_changes_nothing(recipe: TimeToEvent) -> None:
    model = fitted(recipe)
    file = BytesIO()
    arrays = {name: array.astype(str) if array.dtype == object else array for name, array in model.arrays().items()}
    np.savez(file, allow_pickle=False, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        read = {
            name: stored[name].astype(object) if stored[name].dtype.kind == "U" else stored[name] for name in stored
        }
    again = from_json(to_json(recipe))
    assert again == recipe
    loaded = again.restore(read)
    assert (loaded.name, loaded.day) == (model.name, model.day) == (recipe.name, CUT)
    assert loaded.unit_ids.tolist() == model.unit_ids.tolist() == SHOP.unit_ids.tolist()
    assert np.array_equal(daily(loaded, PAIRS), daily(model, PAIRS))


@EVERY
def test_a_refit_equals_a_fresh_fit(recipe: TimeToEvent) -> None:
    recipe.fit(DURATIONS.rows(DURATIONS.pairs.units > 3))
    again = type(recipe)(**{field.name: getattr(recipe, field.name) for field in fields(recipe)})  # type: ignore[arg-type]
    for name, array in again.fit(DURATIONS).arrays().items():
        assert np.array_equal(array, fitted(recipe).arrays()[name]), name


@EVERY
@pytest.mark.parametrize("kept", ["nothing", "censored", "one", "one censored"])
def test_little_to_learn_from_is_enough_for_a_lawful_answer(recipe: TimeToEvent, kept: str) -> None:
    observed = DURATIONS.observed
    rows = {
        "nothing": np.zeros(len(observed), bool),
        "censored": ~observed,
        "one": np.arange(len(observed)) == observed.argmax(),
        "one censored": np.arange(len(observed)) == (~observed).argmax(),
    }[kept]
    lawful(daily(recipe.fit(DURATIONS.rows(rows)), PAIRS))


@pytest.mark.parametrize("name", RHYTHMIC)
@pytest.mark.parametrize("every", [7, 10, 30])
def test_a_clockwork_is_read_to_the_day(name: str, every: int) -> None:
    """Everybody in this shop is a clockwork, and a stranger who comes every so many days comes again then."""
    shop = Clocks(regularity=200.0, leave=0.01).sales(days=400)
    model = VARIATIONS[name].fit(Durations.of(shop, [START + 250, START + 300]))
    days = list(range(LATER - 12 * every - 3, LATER, every))
    median = quantile(daily(model, one_customer(days, LATER)), 0.5)
    assert abs(median[0] - (every - (LATER - days[-1]))) <= 1.0


def relabelled(shop: Purchases, customers: Codes | None = None, units: Codes | None = None) -> Purchases:
    """Customer and unit codes replaced by those at their place, with the departments going along."""
    who = shop.customers if customers is None else customers[shop.customers]
    what = shop.units if units is None else units[shop.units]
    parents = shop.parents.copy()
    if units is not None:
        parents[units] = shop.parents
    return Purchases.of(
        who,
        what,
        shop.days,
        shop.packs,
        shop.prices,
        shop.unit_ids,
        parents,
        shop.parent_ids,
        shop.customer_count,
        shop.day,
    )

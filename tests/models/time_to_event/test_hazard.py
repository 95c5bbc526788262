"""The hazard learns planted clocks that closed forms cannot, unlearns a drift, and says no more than it was shown."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.curves import daily, due_within
from models.time_to_event.durations import Durations
from models.time_to_event.hazard import FittedHazard, Hazard
from models.time_to_event.hazard_columns import COLUMNS, FALLING
from models.time_to_event.purchases import Purchases
from models.time_to_event.recalibration import Recalibration
from models.time_to_event.unit_facts import UnitFacts, own_rate
from tests.models.time_to_event.world import START, Clocks

SMALL = Hazard(trees=30, learning_rate=0.12, smallest_leaf=40, history=56)
DAY, LATER = START + 240, START + 250
ORIGINS = [DAY - ago for ago in range(14, 150, 14)]
SHOP = Clocks(regularity=8.0, shopping=0.5).sales(150, 9, days=345)
LEARNED = Durations.of(SHOP.until(DAY), ORIGINS)
ASKED = Durations.of(SHOP, [LATER])
SMALL_SHOP = Durations.of(SHOP.among(np.arange(150) < 3).until(DAY), ORIGINS)


@cache
def fitted() -> FittedHazard:
    """Of LEARNED, once for all tests."""
    return SMALL.fit(LEARNED)


def test_regular_customers_are_foreseen_better_than_by_a_memoryless_model() -> None:
    came = ASKED.observed & (ASKED.times <= 7)
    mine, its = (
        ((due_within(daily(model, ASKED.pairs), 7) - came) ** 2).mean() for model in (fitted(), BGNBD().fit(LEARNED))
    )
    assert mine < its * 0.97


def test_what_it_says_is_what_happens() -> None:
    curves = daily(fitted(), ASKED.pairs)
    for days in (7, 14, 28):
        chances, came = due_within(curves, days), ASKED.observed & (ASKED.times <= days)
        for part in np.array_split(np.argsort(chances), 4):
            assert chances[part].mean() == pytest.approx(came[part].mean(), abs=0.09)


def thinned(kept: NDArray[np.bool_]) -> Purchases:
    """The shop with some of its purchases only."""
    rows = (SHOP.customers, SHOP.units, SHOP.days, SHOP.packs, SHOP.prices)
    told = (SHOP.unit_ids, SHOP.parents, SHOP.parent_ids, SHOP.customer_count, SHOP.day)
    customers, units, days, packs, prices = (column[kept] for column in rows)
    return Purchases.of(customers, units, days, packs, prices, *told)


def test_a_lag_that_comes_back_every_time_is_taken_off() -> None:
    """A shop that loses more and more of its sales to others is always promised too much."""
    lost = np.clip((SHOP.days - (DAY - 130)) / 180.0, 0.0, 0.9)
    less = thinned(np.random.default_rng(0).random(len(SHOP.days)) >= lost)
    learned, asked = Durations.of(less.until(DAY), ORIGINS), Durations.of(less, [LATER])
    model = SMALL.fit(learned)
    assert model.recalibration.shift < -0.03
    came = (asked.observed & (asked.times <= 28)).mean()
    right, wrong = (
        due_within(daily(one, asked.pairs), 28).mean() for one in (model, replace(model, recalibration=Recalibration()))
    )
    assert came < right < wrong


def test_news_is_not_taken_off_twice() -> None:
    """In the last month every second purchase goes elsewhere. The trees know by now; the rehearsal did not then."""
    less = thinned((SHOP.days < DAY - 30) | (np.random.default_rng(0).random(len(SHOP.days)) < 0.5))
    model, asked = SMALL.fit(Durations.of(less.until(DAY), ORIGINS)), Durations.of(less, [LATER])
    came = (asked.observed & (asked.times <= 14)).mean()
    assert due_within(daily(model, asked.pairs), 14).mean() == pytest.approx(came, rel=0.15)


def test_facts_about_units_are_as_of_the_day_of_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a row would be told, through its unit, what it is to foresee."""
    known: list[int] = []
    honest = UnitFacts.of.__func__  # type: ignore[attr-defined]

    def noted(cls: type[UnitFacts], purchases: Purchases, watched: Durations) -> UnitFacts:
        known.append(purchases.day)
        facts: UnitFacts = honest(cls, purchases, watched)
        return facts

    monkeypatch.setattr(UnitFacts, "of", classmethod(noted))
    replace(SMALL, rehearsal=0, trees=2).fit(LEARNED)
    assert sorted(known) == sorted([*ORIGINS, DAY])


def test_the_rehearsal_knows_nothing_of_the_days_that_judge_it() -> None:
    then = LEARNED.seen_until(DAY - 28)
    assert then.purchases.day == DAY - 28
    assert then.pairs.days.max() < DAY - 28
    assert (then.pairs.days + then.times).max() <= DAY - 28
    afresh = Durations.of(SHOP.until(DAY - 28), ORIGINS)
    order = np.lexsort((afresh.pairs.units, afresh.pairs.customers, -afresh.pairs.days))
    assert np.array_equal(afresh.times[order], then.times)
    assert np.array_equal(afresh.observed[order], then.observed)


def test_a_limit_of_rows_is_kept_and_drawn_alike_every_time() -> None:
    few = replace(SMALL, rows=1_500, rehearsal=0)
    one, two, other = few.fit(LEARNED), few.fit(LEARNED), replace(few, seed=8).fit(LEARNED)
    texts = [model.arrays()["booster"] for model in (one, two, other, fitted())]
    assert np.array_equal(texts[0], texts[1])
    assert not np.array_equal(texts[0], texts[2])
    assert not np.array_equal(texts[0], texts[3])


def test_too_little_to_grow_a_tree_leaves_everybodys_own_rate() -> None:
    model = replace(SMALL, smallest_leaf=10_000, rehearsal=0).fit(SMALL_SHOP)
    assert model.booster is None
    rate = model.level * own_rate(ASKED.pairs) ** SMALL.trust
    horizons = np.array([0.0, 7.0, 84.0])
    assert model.survival(ASKED.pairs, horizons) == pytest.approx(np.exp(-rate[:, None] * horizons))


def test_what_was_trained_on_other_columns_is_refused() -> None:
    arrays = SMALL.fit(SMALL_SHOP).arrays()
    arrays["columns"] = arrays["columns"][::-1]
    with pytest.raises(ValueError, match="train it again"):
        SMALL.restore(arrays)


@pytest.mark.parametrize("edges", [(4, 4), (10, 4), (0, 4)])
def test_edges_that_make_no_cells_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        Hazard(edges=edges)


def test_only_what_silence_moves_is_falling() -> None:
    falling = {name for name, falls in zip(COLUMNS, FALLING, strict=True) if falls}
    assert falling == {"quiet", "department_quiet"}
    assert not {"elapsed", "span"} & set(COLUMNS)

"""A planted season is found, and where there is none, next to nothing changes."""

import numpy as np
import pytest

from benchmarks.season import Seasonal
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.curves import daily
from models.time_to_event.durations import Durations
from models.time_to_event.purchases import Purchases
from training.metrics.survival import measures

YEARS, CUSTOMERS, UNITS = 4, 40, 4
DAYS = int(365.25 * YEARS)


def sales(swing: float) -> Purchases:
    """Units are bought at random, on a day in summer up to `1 + swing` as often as usual; every other one in winter."""
    rng = np.random.default_rng(0)
    who, what, day = np.meshgrid(np.arange(CUSTOMERS), np.arange(UNITS), np.arange(DAYS), indexing="ij")
    wave = np.sin(2 * np.pi * day / 365.25) * np.where(what % 2, 1, -1)
    bought = rng.random(day.shape) < 0.03 * (1 + swing * wave)
    ids = np.array([f"u{code}" for code in range(UNITS)], object)
    columns = (who[bought].astype(np.int32), what[bought].astype(np.int32), day[bought].astype(np.int32))
    one = np.ones(int(bought.sum()))
    parents, parent_ids = np.zeros(UNITS, np.int32), np.array(["all"], object)
    return Purchases.of(*columns, one, one, ids, parents, parent_ids, CUSTOMERS, DAYS - 1)


def split(purchases: Purchases) -> tuple[Durations, Durations]:
    """Three years to learn from, and five days of the fourth to be judged by."""
    asked = [DAYS - 90 - 40 * back for back in range(5)]
    return Durations.of(purchases.until(min(asked) - 1), range(100, min(asked) - 90, 28)), Durations.of(
        purchases, asked
    )


@pytest.mark.parametrize(("swing", "helps"), [(0.9, True), (0.0, False)])
def test_a_season_is_found_where_there_is_one(swing: float, helps: bool) -> None:
    known, future = split(sales(swing))
    found = {}
    for name, recipe in {"plain": BGNBD(), "level": Seasonal(BGNBD(), parts=1), "season": Seasonal(BGNBD())}.items():
        curves = daily(recipe.fit(known), future.pairs)
        assert (curves[:, 0] == 1).all()
        assert (np.diff(curves, axis=1) <= 0).all()
        found[name] = measures(curves, future.times, future.observed)["skill 14"].value
    if helps:
        assert found["season"] > found["level"] + 0.02
    else:
        assert abs(found["season"] - found["plain"]) < 0.02


def test_the_index_is_of_the_time_of_the_year() -> None:
    known, _ = split(sales(0.9))
    index = Seasonal(BGNBD(), parts=4).fit(known).index
    assert index.shape == (UNITS, 4)
    assert (index[1::2, 0] > 1.3 * index[1::2, 2]).all()
    assert (index[0::2, 2] > 1.3 * index[0::2, 0]).all()


def test_an_unknown_unit_sells_as_usual() -> None:
    known, future = split(sales(0.9))
    fitted = Seasonal(BGNBD()).fit(known)
    pairs = future.pairs.rows(np.arange(10, dtype=np.int32))
    named = np.array([f"x{code}" for code in range(UNITS)], object)
    strange = type(pairs)(
        pairs.customers, pairs.units, pairs.days, pairs.columns, named, pairs.parents, pairs.parent_ids
    )
    plain = daily(fitted.base, strange)
    assert daily(fitted, strange) == pytest.approx(plain)
    assert np.abs(daily(fitted, pairs) - daily(fitted.base, pairs)).max() > 0.01

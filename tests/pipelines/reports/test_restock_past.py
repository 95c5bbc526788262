"""The calendars of earlier days are those that would have been seen then; of a large shop some customers are asked."""

from dataclasses import replace

import numpy as np
import pytest

import pipelines.reports.restock_past as verb
from models.arrays import Ids
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment
from pipelines.reports.restock_past import pasts
from pipelines.score_part import Bucket, scored
from tests.serving.restock.world import RECIPE, WEEKLY, described, lines
from training.reports.restock_days import DAYS
from training.reports.restock_past import Past

DRAWN = 5


@pytest.fixture(scope="module")
def model() -> FittedReplenishment:
    return RECIPE.fit(lines()[0], described())


def same(found: list[Past], expected: list[Past]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.foreseen, other.foreseen, rtol=1e-5)
        np.testing.assert_allclose(one.variance, other.variance, rtol=1e-5)
        assert one.came.tolist() == other.came.tolist()


def test_as_far_back_as_there_is_enough_before_it(model: FittedReplenishment) -> None:
    learned, people = lines()
    found = list(pasts(model, learned, np.array(people, object)))
    assert len(found) == 2, "of 27 weeks, with twelve to learn the days of the week from"
    for past in found:
        assert len(past.foreseen) == DAYS
        assert past.came[:7].sum() == len(WEEKLY), "each of them came once in the week behind it, the others never"
        assert (past.foreseen > 0).all()
    assert not list(pasts(model, learned.until(learned.day - 80), np.array(people, object)))


def test_whoever_is_not_drawn_changes_nothing_and_is_not_forecast(
    model: FittedReplenishment, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned, people = lines()
    asked: list[int] = []

    def spied(model: FittedReplenishment, some: Lines, customer_ids: Ids, day: int) -> Bucket:
        asked.extend((some.customer_count, len(customer_ids)))
        return scored(model, some, customer_ids, day)

    monkeypatch.setattr(verb, "MOST", DRAWN)
    monkeypatch.setattr(verb, "scored", spied)
    found = list(pasts(model, learned, np.array(people, object)))
    assert asked
    assert set(asked) == {DRAWN}
    chosen = np.sort(np.random.default_rng(0).choice(len(people), DRAWN, replace=False))
    mine = learned.among(np.isin(np.arange(len(people)), chosen))
    codes = np.searchsorted(chosen, mine.customers).astype(np.int32)
    alone = replace(mine, customers=codes, customer_count=DRAWN)
    same(found, list(pasts(model, alone, np.array(people, object)[chosen])))

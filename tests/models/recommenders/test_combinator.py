"""What equal recipes in one tree share."""

from dataclasses import dataclass, field
from threading import Barrier
from typing import ClassVar

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.als import ALS
from models.recommenders.base import Interactions, Recommender
from models.recommenders.blend import Blend
from models.recommenders.combinator import fit_all
from models.recommenders.ease import EASE
from models.recommenders.fallback import Fallback, FittedFallback
from models.recommenders.popularity import FittedPopularity, Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import FittedSuite, Suite
from models.recommenders.two_stage import TwoStage
from tests.models.recommenders.world import UNTIL, random_queries, random_shop
from tests.waiting import PATIENCE

SHOP = random_shop()
TREE = Suite((Fallback((RP3Beta(), Popularity())), RP3Beta(), Popularity()))


@dataclass(frozen=True)
class Counted(Popularity):
    """Popularity that counts how often it is fitted."""

    name: ClassVar[str] = "counted"
    fits: list[int] = field(default_factory=list, compare=False)

    def fit(self, interactions: Interactions) -> FittedPopularity:
        self.fits.append(len(interactions.items))
        return super().fit(interactions)


def test_equal_recipes_are_fitted_once() -> None:
    counted = Counted()
    fitted = Suite((Fallback((counted, Popularity())), counted)).fit(SHOP)
    assert counted.fits == [len(SHOP.items)]
    assert isinstance(fitted, FittedSuite)
    chain = fitted.sources[0]
    assert isinstance(chain, FittedFallback)
    assert chain.sources[0] is fitted.sources[1]


@dataclass(frozen=True)
class Meeting(Popularity):
    """Popularity whose fit ends only when another one is at work at the same time."""

    name: ClassVar[str] = "meeting"
    others: Barrier = field(default_factory=lambda: Barrier(2), compare=False)
    number: int = 0

    def fit(self, interactions: Interactions) -> FittedPopularity:
        self.others.wait(PATIENCE)
        return super().fit(interactions)


def test_recipes_that_do_not_need_each_other_are_fitted_side_by_side() -> None:
    both = Barrier(2)
    recipes = [Fallback((Meeting(others=both, number=number), RP3Beta())) for number in (1, 2)]
    assert set(fit_all(recipes, SHOP)) > set(recipes)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing_of_what_is_learned(threads: int) -> None:
    recipes: list[Recommender] = [ALS(factors=4), TwoStage(horizon=5.0), Blend((RP3Beta(), Popularity())), TREE]
    together = fit_all(recipes, SHOP, threads)
    for recipe in recipes:
        alone = fit_all([recipe], SHOP, 1)[recipe]
        for name, array in together[recipe].arrays().items():
            assert np.array_equal(array, alone.arrays()[name], equal_nan=array.dtype.kind == "f"), name


@pytest.mark.parametrize("threads", [1, 2])
def test_what_cannot_be_fitted_says_so_and_the_rest_is_not_begun(threads: int) -> None:
    counted = Counted()
    broken = EASE(memory_gb=1e-9)
    with pytest.raises(ValueError, match="EASE"):
        fit_all([broken, *(RP3Beta(alpha=power / 10) for power in range(1, 9)), counted], SHOP, threads)
    assert threads > 1 or not counted.fits


def test_what_is_shared_is_saved_once_and_stays_shared_when_restored_and_extended() -> None:
    fitted = TREE.fit(SHOP)
    saved = fitted.arrays()
    weights = [name for name in saved if name.endswith(".weights")]
    assert len(weights) == 1
    wider = TREE.restore(saved).extended(Catalogue(UNTIL, np.array(["zz"], object)))
    assert isinstance(wider, FittedSuite)
    chain = wider.member("fallback")
    assert isinstance(chain, FittedFallback)
    assert chain.sources[0] is wider.member("rp3beta")
    assert "zz" in wider.member("popularity").item_ids


def test_a_suite_answers_as_its_first_member_and_names_the_others() -> None:
    fitted, queries = TREE.fit(SHOP), random_queries(SHOP, 5)
    assert isinstance(fitted, FittedSuite)
    for row in range(5):
        assert fitted.recommend(queries, 4).row(row) == fitted.member("fallback").recommend(queries, 4).row(row)
    with pytest.raises(KeyError, match="fallback, rp3beta, popularity"):
        fitted.member("als")


def test_members_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="different names, found popularity, popularity"):
        Suite((Popularity(), Popularity(half_life=1.0)))


def test_what_was_known_on_an_earlier_day_holds_nothing_later() -> None:
    ids = SHOP.item_ids
    described = [
        Catalogue(UNTIL - back, ids, numbers={"price": np.full(len(ids), back)}) for back in (90.0, 60.0, 30.0)
    ]
    whole = told(SHOP, described)
    before = whole.before(UNTIL - 45)
    assert len(before.items)
    assert before.days.max() < UNTIL - 45
    assert before.until == UNTIL - 45
    assert before.catalogue.day == UNTIL - 60
    assert [catalogue.day for catalogue in before.past] == [UNTIL - 90]
    assert whole.before(UNTIL - 120).catalogue.day == -np.inf
    with pytest.raises(ValueError, match="leak"):
        told(before, described)


def told(data: Interactions, described: list[Catalogue]) -> Interactions:
    return Interactions(
        data.customers,
        data.items,
        data.days,
        data.weights,
        data.item_ids,
        data.customer_count,
        data.until,
        orders=np.full(len(data.items), -1, np.int32),
        catalogue=described[-1],
        past=tuple(described[:-1]),
    )

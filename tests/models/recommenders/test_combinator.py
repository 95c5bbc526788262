"""What equal recipes in one tree share."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions
from models.recommenders.fallback import Fallback, FittedFallback
from models.recommenders.popularity import FittedPopularity, Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import FittedSuite, Suite
from tests.models.recommenders.world import UNTIL, random_queries, random_shop

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

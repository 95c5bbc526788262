"""The context decides, else the history, else the whole shop; what a history entry adds is exact."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Query
from models.recommenders.category_popularity import CategoryPopularity, FittedCategoryPopularity
from tests.models.recommenders.world import UNTIL, query, random_queries, random_shop

SHOP = random_shop()
MODEL = CategoryPopularity(doubt=0.5).fit(SHOP)
KIND = dict(zip(SHOP.item_ids, SHOP.catalogue.texts["category"], strict=True))


def kinds(model: FittedCategoryPopularity, asked: Query, k: int = 3) -> list[str | None]:
    return [KIND.get(id_) for id_, _, _ in model.recommend([asked], k).row(0)]


@pytest.mark.parametrize("kind", ["drinks/tea", "drinks/coffee", "food"])
def test_the_history_leads_to_its_own_category(kind: str) -> None:
    own = [id_ for id_, its in KIND.items() if its == kind]
    assert kinds(MODEL, query(own[:2])) == [kind] * 3


def test_the_context_decides_whatever_the_history_says() -> None:
    food, tea = (next(id_ for id_, its in KIND.items() if its == kind) for kind in ("food", "drinks/tea"))
    assert kinds(MODEL, replace(query([tea] * 5), context_ids=(food,))) == ["food"] * 3
    unknown = replace(query([tea] * 5), context_ids=("never seen",))
    assert kinds(MODEL, unknown) == ["drinks/tea"] * 3


def test_old_interests_fade() -> None:
    food, tea = (next(id_ for id_, its in KIND.items() if its == kind) for kind in ("food", "drinks/tea"))
    asked = query([food, tea], np.array([UNTIL - 300, UNTIL - 1]))
    assert kinds(CategoryPopularity(doubt=0.5, fade=3.0).fit(SHOP), asked) == ["drinks/tea"] * 3


def test_a_stranger_gets_what_is_popular_in_the_whole_shop() -> None:
    counts = dict(zip(MODEL.item_ids, MODEL.counts, strict=True))
    shown = [id_ for id_, _, _ in MODEL.recommend([query([])], 24).row(0)]
    assert shown == sorted(shown, key=lambda id_: -counts[id_])


def test_contributions_sum_to_the_score_unless_the_reason_is_outside_of_the_history() -> None:
    for one in random_queries(SHOP, 12):
        if len(one.history_ids):
            rows = MODEL.recommend([one], 24).row(0)
            added = MODEL.contributions(one, [id_ for id_, _, _ in rows])
            assert added.sum(axis=0) == pytest.approx([score for _, score, _ in rows])
    page = replace(query(SHOP.item_ids[[0, 0, 5]]), context_ids=(SHOP.item_ids[0],))
    rows = MODEL.recommend([page], 5).row(0)
    added = MODEL.contributions(page, [id_ for id_, _, _ in rows])
    assert added.sum(axis=0) == pytest.approx([score for _, score, _ in rows])
    assert not added[2].any()


def test_looking_at_a_new_product_is_asking_for_its_category() -> None:
    new = Catalogue(UNTIL, np.array(["new"], object), {"category": np.array(["food"], object)})
    wider = MODEL.extended(new)
    assert kinds(wider, replace(query([]), context_ids=("new",))) == ["food"] * 3
    other = Catalogue(UNTIL, np.array(["new"], object), {"category": np.array(["toys/cars"], object)})
    assert kinds(wider.extended(other), replace(query([]), context_ids=("new",))) == kinds(MODEL, query([]))

"""The trees say of candidates what they say of whole rows, whichever columns are looked at together."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders import ranker as module
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import OwnHistories
from models.recommenders.ranker import Ranker
from models.recommenders.two_stage import FittedTwoStage, TwoStage
from tests.models.recommenders.world import ITEMS, UNTIL, random_queries, random_shop

SHOP = random_shop(size=1_500)
QUERIES = [one for one in random_queries(SHOP, 60) if len(one.history_ids) > 1]


def fitted(leaves: int = 31) -> FittedTwoStage:
    model = TwoStage(leaves=leaves, smallest_leaf=5).fit(SHOP)
    assert isinstance(model, FittedTwoStage)
    return model


def asked(model: FittedTwoStage) -> tuple[Candidates, OwnHistories]:
    codes = [model.vocabulary.codes(one.history_ids) for one in QUERIES]
    return Candidates.of(QUERIES, model.voices, (12, 5), None, ITEMS), OwnHistories.of(QUERIES, codes, ITEMS)


@pytest.mark.parametrize("most", [0, module._MOST])
def test_odds_are_those_of_the_whole_rows(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "_MOST", most)
    model = fitted()
    assert model.booster is not None
    ranker = Ranker(model.booster, model.columns)
    found = ranker.odds(*asked(model))
    assert len(np.unique(found)) > 50
    assert np.array_equal(found, model.booster.scores(model.columns.matrix(*asked(model))))


def test_trees_that_masks_cannot_hold_are_asked_as_ever() -> None:
    model = fitted(leaves=40)
    assert model.booster is not None
    assert model.ranker is not None
    large = replace(model.ranker)
    assert np.array_equal(large.odds(*asked(model)), model.booster.scores(model.columns.matrix(*asked(model))))


def test_what_is_known_of_products_is_looked_at_anew_only_where_it_differs() -> None:
    model = fitted()
    assert model.ranker is not None
    bare = Catalogue(UNTIL, np.empty(0, object))
    same, wider = model.extended(bare), model.extended(Catalogue(UNTIL, np.array(["0 before all"], object)))
    assert isinstance(same, FittedTwoStage)
    assert isinstance(wider, FittedTwoStage)
    assert same.ranker is model.ranker
    assert wider.ranker is not None
    assert wider.columns is wider.ranker.columns
    assert wider.columns.products.shape[1] == ITEMS + 1

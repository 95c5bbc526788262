"""What several sources propose to several customers is what each proposes to each, seen with the scores of all."""

import numpy as np

from models.recommenders.buy_again import BuyAgain
from models.recommenders.candidates import Candidates
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.scorer import BatchScorer, Voice
from tests.models.recommenders.world import ITEMS, random_queries, random_shop

SHOP = random_shop()
QUERIES = [one for one in random_queries(SHOP, 20) if len(one.history_ids)]
SOURCES = (RP3Beta(neighbours=3).fit(SHOP), BuyAgain().fit(SHOP), Popularity().fit(SHOP))
VOICES = [Voice.of(source) for source in SOURCES]
DEPTHS = (3, 2, 1)


def test_the_best_of_each_source_among_those_allowed() -> None:
    allow = np.random.default_rng(1).random((len(QUERIES), ITEMS)) < 0.6
    found = Candidates.of(QUERIES, VOICES, DEPTHS, allow, ITEMS)
    for row, one in enumerate(QUERIES):
        mine = found.codes[found.owners == row]
        expected = set()
        for source, depth in zip(SOURCES, DEPTHS, strict=True):
            expected |= {id_ for id_, _, _ in source.recommend([one], depth, allow[row]).row(0)}
        assert set(SHOP.item_ids[mine]) == expected
        assert (np.diff(mine) > 0).all()


def test_scores_are_those_that_a_source_gives_alone_and_nothing_where_it_says_nothing() -> None:
    found = Candidates.of(QUERIES, VOICES, DEPTHS, None, ITEMS)
    assert isinstance(SOURCES[0], BatchScorer)
    assert np.isneginf(found.scores[0]).any()
    for place, source in enumerate(SOURCES):
        alone = np.concatenate(
            [source.scores(one)[found.codes[found.owners == row]] for row, one in enumerate(QUERIES)]
        )
        assert np.array_equal(found.scores[place], alone)
        highest = [source.scores(one).max() for one in QUERIES]
        assert np.array_equal(np.maximum(found.highest[place], 0), np.maximum(highest, 0))


def test_nobody_has_a_candidate_where_nothing_is_allowed() -> None:
    assert not len(Candidates.of(QUERIES, VOICES, DEPTHS, np.zeros(ITEMS, bool), ITEMS).codes)

"""A blend learns whom to believe, in which situation, without looking at what it is judged by."""

from dataclasses import replace

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.blend import Blend, FittedBlend
from models.recommenders.popularity import Popularity
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.sequence_rules import SequenceRules
from tests.models.recommenders.test_sessions import HOUR
from tests.models.recommenders.world import UNTIL, query, random_shop

RULES = SequenceRules(repeats=False)


def visits(habit: str, sessions: int = 300, items: int = 30, seed: int = 0) -> Interactions:
    """Sessions of four steps: `onwards` to the product behind the last one, or `back` to the one before the last."""
    rng, paths = np.random.default_rng(seed), []
    for _ in range(sessions):
        path = rng.choice(items, 2, replace=False).tolist()
        path += [(path[1] + 1) % items, (path[1] + 2) % items] if habit == "onwards" else path
        paths.append(path)
    steps = np.tile(np.arange(4), sessions)
    return Interactions(
        customers=np.repeat(np.arange(sessions, dtype=np.int32), 4),
        items=np.array(paths, np.int32).ravel(),
        days=UNTIL - 100 + np.repeat(np.arange(sessions) / 4, 4) + HOUR * steps / 10,
        weights=np.ones(4 * sessions),
        item_ids=np.array([f"{code:02d}" for code in range(items)], object),
        customer_count=sessions,
        until=UNTIL,
    )


def blended(recipe: Blend, data: Interactions) -> FittedBlend:
    model = recipe.fit(data)
    assert isinstance(model, FittedBlend)
    return model


def believed(habit: str) -> dict[str, float]:
    shares = blended(Blend((RecentlyViewed(), RULES)), visits(habit)).shares
    names = ("recently_viewed", "sequence_rules")
    return dict(zip(names, shares[:, :2].mean(axis=0) + shares[:, 2:].mean(axis=0), strict=True))


def test_the_source_that_was_right_is_believed() -> None:
    onwards, back = believed("onwards"), believed("back")
    assert onwards["sequence_rules"] > 3 * onwards["recently_viewed"]
    assert back["recently_viewed"] > 3 * onwards["recently_viewed"]


def test_each_situation_has_shares_of_its_own() -> None:
    """In one shop single-step visitors go on and returning ones return; the blend has to tell them apart."""
    one, other = visits("onwards"), visits("back", seed=1)
    data = replace(
        one,
        customers=np.concatenate([one.customers, other.customers + one.customer_count]),
        items=np.concatenate([one.items, other.items]),
        days=np.concatenate([one.days, other.days]),
        weights=np.ones(len(one.items) + len(other.items)),
        customer_count=one.customer_count + other.customer_count,
    )
    model = blended(Blend((RecentlyViewed(), RULES)), data)
    returned = query(["03", "09", "03"], UNTIL - HOUR * np.array([3, 2, 1]))
    onward = query(["03", "09", "10"], UNTIL - HOUR * np.array([3, 2, 1]))
    for asked, expected in ((returned, "09"), (onward, "11")):
        elsewhere = model.item_ids != asked.history_ids[-1]
        assert model.recommend([asked], 1, elsewhere).row(0)[0][0] == expected


def test_shares_of_a_situation_sum_to_one_and_so_do_the_scores() -> None:
    model = blended(Blend((RP3Beta(), Popularity())), random_shop())
    assert model.shares.sum(axis=1) == pytest.approx(1)
    assert (model.shares >= 0).all()
    scores = [score for _, score, _ in model.recommend([query(list(model.item_ids[:2]))], 99).row(0)]
    assert sum(scores) == pytest.approx(1)


def test_given_weights_are_reciprocal_ranks_and_need_no_second_fit() -> None:
    data = random_shop()
    model = blended(Blend((RP3Beta(), Popularity()), weights=(0.0, 2.0)), data)
    asked = query(list(model.item_ids[:2]))
    expected = [id_ for id_, _, _ in Popularity().fit(data).recommend([asked], 5).row(0)]
    found = model.recommend([asked], 5).row(0)
    assert [id_ for id_, _, _ in found] == expected
    assert {source for _, _, source in found} == {"popularity"}
    scores = np.array([score for _, score, _ in found])
    assert scores / scores[0] == pytest.approx(2 / np.arange(2.0, 7))


def test_given_weights_fuse_ranks_that_evenness_flattens() -> None:
    data = random_shop()
    sources = (RP3Beta(), Popularity(), Popularity(half_life=7.0), Popularity(half_life=3.0))
    asked = query(list(data.item_ids[:2]))
    for evenness in (0.0, 1.0, 40.0):
        model = blended(Blend(sources, weights=(1.0, 1.0, 1.0, 1.0), evenness=evenness, depth=4), data)
        expected: dict[str, float] = {}
        for source in model.sources:
            named = [id_ for id_, _, _ in source.recommend([asked], 4).row(0)]
            votes = 1 / (evenness + np.arange(1.0, len(named) + 1))
            for id_, vote in zip(named, votes / votes.sum(), strict=True):
                expected[id_] = expected.get(id_, 0) + vote
        found = model.recommend([asked], 16).row(0)
        assert {id_: score for id_, score, _ in found} == pytest.approx(expected)
        assert [score for _, score, _ in found] == pytest.approx(sorted(expected.values(), reverse=True))


def test_the_last_part_teaches_shares_and_its_future_does_not() -> None:
    """Shares come from sources that have not seen the cases: rules that knew them would be believed blindly."""
    rng = np.random.default_rng(3)
    noise = replace(visits("onwards"), items=rng.integers(0, 30, 1_200).astype(np.int32))
    model = blended(Blend((Popularity(), RULES)), noise)
    given = model.shares[:, [1, 3]].sum(axis=1)
    assert given.max() < 0.9


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sources": ()}, "at least one source"),
        ({"weights": (1.0,)}, "give 3"),
        ({"weights": (1.0, -1.0, 1.0)}, "not negative"),
        ({"held_out": 1.0}, "between 0 and 1"),
        ({"evenness": -1.0}, "0 or more"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(Blend(), **wrong)  # type: ignore[arg-type]


def test_sources_that_know_other_products_are_refused() -> None:
    one, other = random_shop(), random_shop(items=20)
    with pytest.raises(ValueError, match="fit both on the same"):
        FittedBlend(Blend((RP3Beta(), Popularity())), (RP3Beta().fit(one), Popularity().fit(other)), np.ones((9, 4)))

"""Due again: what `buy_again` says, weighed by when the live replenishment model expects each group to be needed."""

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query
from models.recommenders.buy_again import BuyAgain
from models.recommenders.due_again import FittedDueAgain
from models.time_to_event.lines import Lines
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.replenishment import Replenishment

END = 20_000
IDS = np.array(["bread", "milk", "oats", "rice", "salt"], object)
CATEGORIES = np.array(["food/bread", "food/milk", "food/milk", "food/rice", "food/salt"], object)
CUSTOMERS = 30
DAILY = Query(END + 0.5, IDS[[1, 1, 1, 1, 0, 0]], END - np.array([26.0, 19, 12, 5, 28, 1]), np.ones(6))
"""Milk every week and five days ago; bread every month and yesterday."""


@pytest.fixture(scope="module")
def both() -> FittedDueAgain:
    """Milk is bought every 7 days by everybody, bread every 27, rice once."""
    rows = [
        (customer, product, END - ago)
        for customer in range(CUSTOMERS)
        for product, step in ((0, 27), (1, 7))
        for ago in range(customer % step, 200, step)
    ] + [(customer, 3, END - customer) for customer in range(CUSTOMERS)]
    customers, products, days = np.array(rows, np.int32).T
    ones = np.ones(len(rows))
    lines = Lines.of(customers, products, days, ones, ones, IDS, CUSTOMERS, END)
    catalogue = Catalogue(float(END), IDS, {"category": CATEGORIES}, {})
    model = Replenishment(need=LogNormal(), trips=LogNormal()).fit(lines, catalogue)
    learned = Interactions(customers, products, days + 0.0, ones, IDS, CUSTOMERS, END + 0.5)
    return FittedDueAgain(model, BuyAgain().fit(learned), within=4)


def scores(model: FittedDueAgain, query: Query, k: int = 5) -> dict[str, float]:
    return {id_: score for id_, score, _ in model.recommend([query], k).row(0)}


def test_what_is_due_gains_on_what_was_bought_lately(both: FittedDueAgain) -> None:
    plain = {id_: score for id_, score, _ in both.buyer.recommend([DAILY], 5).row(0)}
    weighed = scores(both, DAILY)
    assert weighed.keys() == plain.keys() == {"milk", "bread"}
    assert weighed["milk"] / plain["milk"] > weighed["bread"] / plain["bread"]


def test_a_need_of_which_nothing_is_claimed_is_weighed_by_doubt_alone(both: FittedDueAgain) -> None:
    once = Query(END + 0.5, IDS[[3, 4]], np.array([END - 3.0, END - 3.0]), np.ones(2))
    plain = {id_: score for id_, score, _ in both.buyer.recommend([once], 5).row(0)}
    weight = both.doubt**both.trust
    assert scores(both, once) == {id_: pytest.approx(score * weight) for id_, score in plain.items()}


def test_a_substitute_ends_the_need(both: FittedDueAgain) -> None:
    oats = Query(DAILY.day, np.append(DAILY.history_ids, "oats"), np.append(DAILY.days, END), np.ones(7))
    change = scores(both, oats)["milk"] / scores(both, DAILY)["milk"]
    plain = [{id_: s for id_, s, _ in both.buyer.recommend([q], 5).row(0)}["milk"] for q in (oats, DAILY)]
    assert change < plain[0] / plain[1]


def test_what_was_only_looked_at_was_not_bought(both: FittedDueAgain) -> None:
    looked = Query(END + 0.5, IDS[[0, 0, 0]], END - np.array([20.0, 10, 1]), np.full(3, 0.1))
    assert scores(both, looked) == {}
    assert scores(both, Query(END + 0.5)) == {}


def test_a_batch_answers_as_its_queries_and_allow_comes_first(both: FittedDueAgain) -> None:
    queries = [DAILY, Query(END + 0.5), Query(END + 3.0, DAILY.history_ids, DAILY.days, DAILY.weights)]
    together = both.recommend(queries, 3)
    for row, query in enumerate(queries):
        assert together.row(row) == both.recommend([query], 3).row(0)
    assert set(together.sources.ravel()) == {"due_again", None}
    assert both.recommend([DAILY], 3, IDS != "milk").row(0)[0][0] == "bread"


def test_it_extends_as_buy_again_does(both: FittedDueAgain) -> None:
    more = Catalogue(float(END), np.array(["aloe", "milk"], object), {"category": np.array([None, None], object)}, {})
    wide = both.extended(more)
    assert wide.item_ids.tolist() == ["aloe", *IDS]
    assert scores(wide, DAILY) == pytest.approx(scores(both, DAILY))
    assert wide.similar(["milk", "moon"], 2).row(0) == []
    assert wide.contributions(DAILY, ["milk"]).shape == (6, 1)
    assert {name.partition("/")[0] for name in wide.arrays()} == {"buyer", "model"}
    assert wide.until >= END

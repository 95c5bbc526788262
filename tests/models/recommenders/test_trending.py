"""A trend must be proved: by enough sales, against the product's own past, and not by the shop's good week."""

import numpy as np
import pytest

from models.recommenders.base import Interactions
from models.recommenders.trending import FittedTrending, Trending
from tests.models.recommenders.world import UNTIL, query

IDS = np.array(["fad", "rare", "shop's week", "steady", "waning"], object)


def shop(lately: dict[str, int], usually: dict[str, int], busy: int = 1) -> Interactions:
    """Sales by different customers in the last 7 days and the 56 before, spread evenly; `busy` times as many lately."""
    items, days = [], []
    for sales, length, end, times in ((lately, 7.0, UNTIL, busy), (usually, 56.0, UNTIL - 7, 1)):
        for id_, count in sales.items():
            items += [int(np.searchsorted(IDS, id_))] * count * times
            days += (end - length * (np.arange(count * times) + 0.5) / (count * times)).tolist()
    return Interactions(
        customers=np.arange(len(items), dtype=np.int32),
        items=np.array(items, np.int32),
        days=np.array(days),
        weights=np.ones(len(items)),
        item_ids=IDS,
        customer_count=len(items),
        until=UNTIL,
    )


LATELY = {"fad": 40, "rare": 1, "shop's week": 100, "steady": 50, "waning": 5}
USUALLY = {"fad": 80, "shop's week": 800, "steady": 400, "waning": 400}


def lifts(model: FittedTrending) -> dict[str, float]:
    return {id_: score for id_, score, _ in model.recommend([query([])], 5).row(0)}


def test_what_sells_four_times_its_share_leads_and_a_single_sale_proves_nothing() -> None:
    found = lifts(Trending().fit(shop(LATELY, USUALLY)))
    assert next(iter(found)) == "fad"
    assert 2 < found["fad"] < 4
    assert [id_ for id_, lift in found.items() if lift > 1] == ["fad"]
    assert list(found)[-1] == "waning"


def test_a_busy_week_of_the_whole_shop_is_no_trend() -> None:
    calm, busy = (lifts(Trending().fit(shop(LATELY, USUALLY, busy))) for busy in (1, 5))
    assert busy["steady"] < 1
    assert busy["fad"] == pytest.approx(calm["fad"], rel=0.35)


def test_more_of_the_same_evidence_proves_more() -> None:
    few, many = (
        lifts(Trending().fit(shop({"fad": n, "steady": 50 * n}, {"fad": 4 * n, "steady": 400 * n})))["fad"]
        for n in (3, 30)
    )
    assert few < many


def test_one_customer_who_buys_a_shelf_of_it_counts_once_a_day() -> None:
    calm = shop(LATELY, USUALLY)
    one = np.flatnonzero((calm.items == 1) & (calm.days > UNTIL - 7))
    again = np.concatenate([np.arange(len(calm.items)), np.repeat(one, 50)])
    greedy = Interactions(
        customers=calm.customers[again],
        items=calm.items[again],
        days=calm.days[again],
        weights=calm.weights[again],
        item_ids=IDS,
        customer_count=calm.customer_count,
        until=UNTIL,
    )
    assert lifts(Trending().fit(greedy)) == lifts(Trending().fit(calm))


@pytest.mark.parametrize("change", [{"risk": 1.0}, {"doubt": 0.0}, {"lately": -1.0}])
def test_what_makes_no_sense_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="windows in days"):
        Trending(**change)


def test_answers_leave_what_was_learned_as_it_is() -> None:
    model = Trending().fit(shop({"fad": 40}, USUALLY))
    before = model.arrays()["lift"].copy()
    model.recommend([query([])], 3)
    assert np.array_equal(model.arrays()["lift"], before)
    assert before.min() == 0

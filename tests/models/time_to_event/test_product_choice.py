"""Which product of a group: habit against bestsellers, only what is available, the same alone and in a batch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Codes
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.product_choice import ProductChoice
from models.time_to_event.selling import MANY

EVERYBODY = Watch(purchases=1, days=10_000)
PRODUCTS = ("bun", "loaf", "oat", "roll", "whole")
UNITS = np.array([0, 0, 1, 0, 1], np.int32)
DAY = 200


def groups(products: tuple[str, ...] = PRODUCTS, units: Codes = UNITS) -> Groups:
    """Bread: bun, loaf and roll; milk: oat and whole."""
    nothing = np.full(len(products), np.nan)
    return Groups(
        product_ids=np.array(products, object),
        units=units,
        unit_ids=np.array(["bread", "milk"], object),
        parents=np.zeros(2, np.int32),
        parent_ids=np.array(["food"], object),
        contents=nothing,
        usual_prices=nothing,
        periodic=nothing,
        portions=np.ones(len(products)),
        most_packs=np.full(len(products), MANY),
    )


def lines(rows: list[tuple[int, str, int]], products: tuple[str, ...] = PRODUCTS) -> Lines:
    """From (customer, product, day)."""
    who, what, when = zip(*rows, strict=True) if rows else ((), (), ())
    return Lines(
        np.array(who, np.int32),
        np.array([products.index(product) for product in what], np.int32),
        np.array(when, np.int32),
        np.ones(len(rows)),
        np.full(len(rows), np.nan),
        np.array(products, object),
        50,
        DAY,
    )


def shop() -> list[tuple[int, str, int]]:
    """Most take loaf and whole milk, some roll; nobody bun or oat but customers 0 to 2."""
    rows = [(who, product, day) for who in range(3, 43) for product in ("loaf", "whole") for day in range(5, 200, 15)]
    rows += [(who, "roll", day) for who in range(43, 50) for day in range(5, 200, 15)]
    rows += [(0, "bun", day) for day in range(5, 200, 10)]
    return [*rows, (1, "bun", 190), (2, "bun", 20), (2, "bun", 30), *((2, "roll", day) for day in (160, 170, 180, 190))]


def chosen(
    rows: list[tuple[int, str, int]], available: tuple[str, ...] = PRODUCTS, count: int = 3, day: int = DAY
) -> dict[tuple[int, str], dict[str, float]]:
    """The share of each product by customer and group, the likeliest first."""
    kinds, known = groups(), lines(rows)
    fitted = ProductChoice().fit(lines(shop()), kinds)
    pairs = pairs_at(known.by_group(kinds), day, EVERYBODY)
    found = fitted.choices(fitted.shelf(kinds, np.isin(PRODUCTS, available)), known, pairs, count)
    answer: dict[tuple[int, str], dict[str, float]] = {}
    for row, (who, unit) in enumerate(zip(pairs.customers, pairs.units, strict=True)):
        ids, shares = found.ids(kinds)[row], found.shares[row]
        answer[int(who), str(kinds.unit_ids[unit])] = {
            str(id_): float(share) for id_, share in zip(ids, shares, strict=True) if id_ is not None
        }
    return answer


def test_a_habit_beats_the_bestseller_and_one_purchase_does_not() -> None:
    said = chosen(shop())
    assert next(iter(said[0, "bread"])) == "bun"
    assert next(iter(said[1, "bread"])) == "loaf"
    assert next(iter(said[2, "bread"])) == "roll"
    assert next(iter(said[5, "bread"])) == "loaf"
    assert said[0, "bread"]["bun"] > said[1, "bread"]["bun"] > said[5, "bread"]["bun"] > 0


def test_what_is_out_of_stock_leaves_its_part_to_the_others() -> None:
    said = chosen(shop(), available=("loaf", "roll", "oat"))
    assert list(said[0, "bread"]) == ["loaf", "roll"]
    assert sum(said[0, "bread"].values()) == pytest.approx(1)
    assert list(said[5, "milk"]) == ["oat"]
    assert chosen(shop(), available=())[0, "bread"] == {}


def test_a_product_bought_twice_on_a_day_counts_once_and_a_later_day_of_asking_fades_it() -> None:
    rows = [(0, "bun", 150), (0, "bun", 180), (0, "roll", 170)]
    assert chosen(rows) == chosen([*rows, *rows])
    assert chosen(rows)[0, "bread"]["bun"] > chosen(rows, day=DAY + 100)[0, "bread"]["bun"]


def test_what_comes_after_the_day_of_asking_changes_nothing() -> None:
    early = [(0, "bun", day) for day in range(0, 100, 10)]
    late = [(0, "roll", day) for day in range(101, 200)]
    assert chosen(early, day=100) == chosen(early + late, day=100)


ROWS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(PRODUCTS), st.integers(0, DAY)), min_size=1, max_size=30)


@settings(deadline=None)
@given(ROWS, st.sets(st.sampled_from(PRODUCTS)))
def test_shares_are_probabilities_and_the_same_alone_and_in_a_batch(
    rows: list[tuple[int, str, int]], stock: set[str]
) -> None:
    available = tuple(sorted(stock))
    said = chosen(rows, available)
    for shares in said.values():
        assert set(shares) <= stock
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert all(share > 0 for share in shares.values())
        assert sum(shares.values()) == pytest.approx(1) or not shares
    for customer in range(5):
        alone = chosen([row for row in rows if row[0] == customer], available)
        assert alone == {pair: shares for pair, shares in said.items() if pair[0] == customer}


def test_a_product_that_is_new_since_training_can_be_chosen() -> None:
    fitted = ProductChoice().fit(lines(shop()), groups())
    wider = groups((*PRODUCTS, "zopf"), np.append(UNITS, 0).astype(np.int32))
    known = lines([(0, "zopf", day) for day in range(100, 200, 5)], (*PRODUCTS, "zopf"))
    pairs = pairs_at(known.by_group(wider), DAY, EVERYBODY)
    found = fitted.choices(fitted.shelf(wider), known, pairs)
    assert found.ids(wider)[0, 0] == "zopf"
    alone = np.array([product == "zopf" for product in wider.product_ids])
    assert fitted.choices(fitted.shelf(wider, alone), known, pairs).shares[0].tolist() == pytest.approx([1, 0, 0])


def test_what_is_not_restocked_is_never_chosen() -> None:
    kinds = replace(groups(), units=np.array([-1, 0, 1, 0, 1], np.int32))
    fitted = ProductChoice().fit(lines(shop()), kinds)
    known = lines([(0, "bun", 190), (0, "loaf", 190)])
    found = fitted.choices(fitted.shelf(kinds), known, pairs_at(known.by_group(kinds), DAY, EVERYBODY))
    assert "bun" not in found.ids(kinds)[0]


def test_saving_and_loading_changes_nothing_and_nothing_learned_still_answers() -> None:
    kinds, known = groups(), lines(shop())
    pairs = pairs_at(known.by_group(kinds), DAY, EVERYBODY)
    for learned in (known, lines([])):
        fitted = ProductChoice().fit(learned, kinds)
        again = ProductChoice().restore(fitted.arrays())
        one, other = (model.choices(model.shelf(kinds), known, pairs) for model in (fitted, again))
        assert (one.products == other.products).all()
        assert (one.shares == other.shares).all()
        assert (one.products[:, 0] >= 0).all()


def test_a_question_that_cannot_be_answered_says_what_would_work() -> None:
    kinds, known = groups(), lines(shop())
    fitted = ProductChoice().fit(known, kinds)
    pairs = pairs_at(known.by_group(kinds), DAY, EVERYBODY)
    with pytest.raises(ValueError, match="different groups"):
        fitted.choices(fitted.shelf(groups()), known, pairs)
    several = replace(pairs, days=np.arange(len(pairs), dtype=np.int32))
    with pytest.raises(ValueError, match="day by day"):
        fitted.choices(fitted.shelf(kinds), known, several)
    with pytest.raises(ValueError, match="above 0"):
        ProductChoice(prior=0)

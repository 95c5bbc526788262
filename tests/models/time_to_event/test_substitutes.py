"""Learned groups: alike in words and bought in turns; what is bought together, or only sounds alike, stays apart."""

import numpy as np
import pytest

from models.catalogue import Catalogue
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.substitutes import Substitutes, wording

DAY = 20_000
TITLES = {
    "a1": "Oat drink barista natural, 1 l",
    "a2": "Oat drink barista natural 500 ml",
    "b1": "Oat drink barista chocolate, 1 l",
    "c1": "Shampoo silver moon volume 200 ml",
    "c2": "Conditioner silver moon volume 200 ml",
    "d1": "Tomato soup",
    "e1": "Tomato seeds",
    "f1": None,
}


def catalogue(**titles: str | None) -> Catalogue:
    """Products with titles and nothing else."""
    ids = sorted(titles)
    return Catalogue(float(DAY), np.array(ids, object), {"title": np.array([titles[id_] for id_ in ids], object)})


def lines(together: bool = True, customers: int = 80) -> Lines:
    """A quarter of the customers drink oat, taking turns; a quarter wash, with both bottles in one order; some eat."""
    rng = np.random.default_rng(0)
    rows = []
    for customer in range(customers):
        for day in range(DAY - 100, DAY, 10):
            if customer % 4 == 1:
                rows.append((customer, str(rng.choice(["a1", "a2", "b1"])), day))
            if customer % 4 == 3 and rng.random() < 0.6:
                rows += [(customer, "c1", day), (customer, "c2", day if together else day + 5)]
            if rng.random() < 0.3:
                rows.append((customer, str(rng.choice(["d1", "e1", "f1"])), day))
    who, what, when = zip(*rows, strict=True)
    ids = np.array(sorted(TITLES), object)
    return Lines.of(
        np.array(who, np.int32),
        np.searchsorted(ids, np.array(what, object)).astype(np.int32),
        np.array(when, np.int32),
        np.ones(len(rows)),
        np.full(len(rows), np.nan),
        ids,
        customers,
        DAY,
    )


def sets(groups: Groups) -> set[frozenset[str]]:
    """The groups as sets of products."""
    return {frozenset(groups.product_ids[groups.units == unit]) for unit in set(groups.units.tolist())}


def test_what_is_bought_in_turns_is_one_group() -> None:
    found = sets(Groups.of(catalogue(**TITLES), lines()))
    assert frozenset(("a1", "a2", "b1")) in found
    assert frozenset(("c1",)) in found, "a conditioner does not replace a shampoo: they are bought together"
    assert frozenset(("c1", "c2")) in sets(Groups.of(catalogue(**TITLES), lines(together=False)))
    assert frozenset(("f1",)) in found, "a product without a title stays alone"


def test_words_alone_need_to_agree_more() -> None:
    few = lines().among(np.arange(80) < 2)
    found = sets(Groups.of(catalogue(**TITLES), few))
    assert frozenset(("a1", "a2")) in found, "the same words but for the size"
    assert frozenset(("b1",)) in found, "too few buyers to tell"


def test_the_order_of_lines_and_the_names_of_customers_change_nothing() -> None:
    given = lines()
    shuffled = np.random.default_rng(1).permutation(len(given.days))
    moved = Lines.of(
        79 - given.customers[shuffled],
        given.products[shuffled],
        given.days[shuffled],
        given.packs[shuffled],
        given.prices[shuffled],
        given.product_ids,
        80,
        DAY,
    )
    assert sets(Groups.of(catalogue(**TITLES), given)) == sets(Groups.of(catalogue(**TITLES), moved))


def test_groups_stay_small() -> None:
    titles = {f"p{number:03d}": f"tea leaves green {'abcdefghij'[number % 10] * 3}" for number in range(100)}
    told = catalogue(**titles)
    bought = Lines.of(
        np.zeros(1, np.int32), np.zeros(1, np.int32), np.full(1, DAY), np.ones(1), np.ones(1), told.item_ids, 1, DAY
    )
    alone = np.array([f"product:{id_}" for id_ in told.item_ids], object)
    for largest in (1, 3, 10):
        recipe = Substitutes(alike=0.1, similar=0.1, largest=largest)
        names = recipe.names(alone, np.ones(100, bool), told, told.item_ids, bought)
        _, sizes = np.unique(names.astype(str), return_counts=True)
        assert sizes.max() == 10 * largest, "ten products share each wording"


def test_a_category_is_never_overruled() -> None:
    told = catalogue(**TITLES)
    categories = np.array(["Drinks/Oat" if id_ == "a1" else None for id_ in told.item_ids], object)
    groups = Groups.of(Catalogue(told.day, told.item_ids, {**told.texts, "category": categories}), lines())
    assert frozenset(("a1",)) in sets(groups)
    assert frozenset(("a2", "b1")) in sets(groups)


def test_a_new_product_joins_the_group_of_its_wording() -> None:
    groups = Groups.of(catalogue(**TITLES), lines())
    wider = groups.extended(catalogue(**TITLES, a3="Oat drink barista natural 250 ml", g1="Olive oil"))
    assert frozenset(("a1", "a2", "a3", "b1")) in sets(wider)
    assert frozenset(("g1",)) in sets(wider)


@pytest.mark.parametrize("title", [None, "", "100 %", "5x12"])
def test_a_title_without_words_says_nothing(title: str | None) -> None:
    assert wording(title, None) == frozenset()

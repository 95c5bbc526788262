"""The benchmarks of carts and quantities count right, on purchases whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.restock_carts import Question, cut, decayed, filled, own_sizes, ten
from benchmarks.restock_quantities import came_again, choices, own_medians, table
from models.arrays import Floats
from models.time_to_event.pairs import Watch, pairs_at
from models.time_to_event.purchases import Purchases

DAY = 300


def purchases(rows: list[tuple[int, int, int, float]], day: int = 500) -> Purchases:
    """From (household, unit, day, packs); units 0 to 2 are of parent 0, unit 3 of parent 1."""
    who, what, when, packs = (np.array(column) for column in zip(*rows, strict=True))
    return Purchases.of(
        who.astype(np.int32),
        what.astype(np.int32),
        when.astype(np.int32),
        packs.astype(np.float64),
        np.ones(len(rows)),
        np.array(["a", "b", "c", "d"], object),
        np.array([0, 0, 0, 1], np.int32),
        np.array(["one", "other"], object),
        3,
        day,
    )


def asked(scores: Floats, wanted: list[bool]) -> Question:
    """Household 0 has four pairs, household 1 two, household 2 none."""
    bought = purchases([(0, unit, 10, 1.0) for unit in range(4)] + [(1, unit, 10, 1.0) for unit in range(2)])
    pairs = pairs_at(bought, DAY, Watch(1, 10_000))
    names = dict.fromkeys(("hazard", "other"), scores)
    return Question(pairs, np.array(wanted), np.array([True, True, True]), names, 3, np.array([0.0, 0.0, 1.0]))


def test_carts_of_all_households_are_cut_at_one_score_and_counted() -> None:
    question = asked(np.array([0.9, 0.1, 0.8, 0.2, 0.7, 0.6]), [True, False, False, True, True, False])
    found = filled(question, question.scores["hazard"] >= 0.65)
    assert (found.right.tolist(), found.size.tolist(), found.wanted.tolist()) == ([1, 1, 0], [2, 1, 0], [2, 1, 0])
    assert found.f1.value == pytest.approx(2 * 2 / (3 + 3))
    assert found.household_f1 == pytest.approx((2 / 4 + 1 + 1) / 3)
    assert cut(question, "hazard").size.sum() == 6  # 8.35 a household are more than there are
    assert own_sizes(question).size.tolist()[2] == 0
    rarely = replace(question, away=np.array([0.05, 0.5, 1.0]), scores={"hazard": np.full(6, 0.45)})
    assert own_sizes(rarely).size.tolist() == [4, 0, 0]
    assert own_sizes(rarely, together=False).size.tolist() == [4, 2, 0]


def test_the_cart_of_ten_is_asked_of_those_who_come_and_want_something() -> None:
    recalls, who = ten(asked(np.linspace(0, 1, 6), [True, False, True, True, False, False]), "hazard")
    assert (recalls.tolist(), who.tolist()) == ([1.0], [0])


def test_decayed_frequency_halves_and_knows_nothing_of_later_days() -> None:
    bought = purchases([(0, 0, DAY, 1.0), (0, 0, DAY - 60, 1.0), (0, 0, DAY + 1, 1.0), (1, 2, DAY - 120, 1.0)])
    assert decayed(bought, pairs_at(bought, DAY, Watch(1, 10_000)), 60.0).tolist() == [1.5, 0.25]


def test_medians_are_of_what_was_known_and_the_next_purchase_is_found() -> None:
    rows = [(0, 0, 276, 5.0), (0, 0, 280, 1.0), (0, 0, 290, 3.0), (0, 0, 292, 4.0), (0, 0, 310, 9.0), (0, 0, 320, 2.0)]
    bought = purchases([*rows, (1, 1, 280, 1.0), (1, 1, 290, 1.0)])
    pairs, place = came_again(bought, DAY)
    assert pairs.customers.tolist() == [0]
    assert bought.days[place].tolist() == [310]
    assert own_medians(bought, pairs).tolist() == [3.0]


def test_a_product_is_right_when_it_was_taken_and_ours_is_compared_with_habits() -> None:
    rows = [(who, who, 17_167 + day, 1.0) for who in range(3) for day in range(0, 360, 6)]
    found = choices(purchases(rows, 17_700))
    assert found.values["product_choice"]["hit@1"].mean() == 1
    assert found.values["last taken"]["hit@1"].mean() == 1
    assert "| `product_choice` | 1.0000 | 1.0000 |" in table(found, "product_choice", ("hit@1", "hit@3"))

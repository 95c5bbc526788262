"""The door opens for what is better beyond doubt, and stays shut for luck."""

import numpy as np
import pytest

from models.recommenders.arrays import Floats
from training.evaluate import TASKS, Evaluation, Outcome
from training.gate import judge


def evaluation(**recalls: Floats) -> Evaluation:
    outcomes = [
        Outcome(name, task, {"recall@10": values, "ndcg@10": values}, 0.1, 1.0, 1.0)
        for name, values in recalls.items()
        for task in TASKS
    ]
    return Evaluation(tuple(outcomes), tuple(name for name in recalls if name.startswith("popular")))


def test_a_clear_winner_passes_and_the_words_say_against_whom() -> None:
    champion = np.random.default_rng(0).random(300)
    verdict = judge(evaluation(new=champion + 0.05, champion=champion), "new", "champion", np.random.default_rng(1))
    assert verdict.passed
    assert verdict.opponent == "champion"
    assert "new against champion +0.0500" in verdict.words


@pytest.mark.parametrize("shift", [0.0, -0.05])
def test_the_same_or_worse_is_refused(shift: float) -> None:
    champion = np.random.default_rng(0).random(300)
    verdict = judge(evaluation(new=champion + shift, champion=champion), "new", "champion", np.random.default_rng(1))
    assert not verdict.passed
    assert "not above 0" in verdict.words


def test_luck_seldom_passes() -> None:
    rng = np.random.default_rng(2)
    passed = sum(
        judge(evaluation(new=rng.random(150), champion=rng.random(150)), "new", "champion", rng).passed
        for _ in range(200)
    )
    assert passed / 200 < 0.06


def test_without_a_champion_the_best_baseline_is_to_be_beaten() -> None:
    low, high = np.full(50, 0.1), np.full(50, 0.3)
    field = {"popular_week": low, "popular_month": high}
    assert not judge(evaluation(new=np.full(50, 0.2), **field), "new", None, np.random.default_rng(0)).passed
    verdict = judge(evaluation(new=np.full(50, 0.4), **field), "new", None, np.random.default_rng(0))
    assert verdict.passed
    assert verdict.opponent == "popular_month"

"""The door opens for what is better beyond doubt, and stays shut for luck."""

from dataclasses import replace

import numpy as np
import pytest

from models.arrays import Floats
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
    assert "new against champion +0.0500 [" in verdict.words
    assert " %), above 0; new only: against champion +0.0500" in verdict.words
    better, guarded = verdict.findings
    assert (better.code, guarded.code) == ("better_at_repeats", "not_worse_at_new")
    assert better.names == {"candidate": "new", "opponent": "champion"}
    assert better.figures["low"] == verdict.interval.low
    assert better.figures["gain"] == pytest.approx(0.05 / champion.mean())


@pytest.mark.parametrize("shift", [0.0, -0.05])
def test_the_same_or_worse_is_refused(shift: float) -> None:
    champion = np.random.default_rng(0).random(300)
    verdict = judge(evaluation(new=champion + shift, champion=champion), "new", "champion", np.random.default_rng(1))
    assert not verdict.passed
    assert "not above 0" in verdict.words
    assert verdict.findings[0].code == "not_better_at_repeats"


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


def pair(repeats: float, fresh: float) -> Evaluation:
    """A candidate that lies so far above the champion at repeats, and so far at what was new."""
    champion = np.random.default_rng(0).random(300)
    values = {
        "champion": {"repeats allowed": champion, "new only": champion},
        "new": {"repeats allowed": champion + repeats, "new only": champion + fresh},
        "popular": {"repeats allowed": champion / 2, "new only": champion / 2},
    }
    outcomes = [
        Outcome(name, task, {"recall@10": values[name][task], "ndcg@10": values[name][task]}, 0.1, 1.0, 1.0)
        for name in values
        for task in TASKS
    ]
    return Evaluation(tuple(outcomes), ("popular",))


def test_a_gain_on_repeats_that_is_paid_with_what_is_new_is_refused_and_says_by_how_much() -> None:
    verdict = judge(pair(0.05, -0.02), "new", "champion", np.random.default_rng(1))
    assert verdict.interval.low > 0
    assert verdict.guard is not None
    assert verdict.guard.high < 0
    assert not verdict.passed
    assert "new only: against champion -0.0200 [-0.0200, -0.0200], below 0: worse at it" in verdict.words
    assert [one.code for one in verdict.findings] == ["better_at_repeats", "worse_at_new"]


def test_a_guard_that_stays_the_same_lets_pass_and_one_that_rises_does_not_make_up() -> None:
    rng = np.random.default_rng(1)
    assert judge(pair(0.05, 0.0), "new", "champion", rng).passed
    assert not judge(pair(0.0, 0.05), "new", "champion", rng).passed


def test_a_first_model_is_guarded_by_the_best_baseline() -> None:
    verdict = judge(pair(0.05, -0.9), "new", None, np.random.default_rng(1))
    assert not verdict.passed
    assert "new only: against popular" in verdict.words


def test_where_nobody_bought_anything_new_repeats_decide() -> None:
    whole = pair(0.05, 0.0)
    nobody = [
        replace(outcome, values={name: values[:0] for name, values in outcome.values.items()})
        if outcome.task == "new only"
        else outcome
        for outcome in whole.outcomes
    ]
    verdict = judge(replace(whole, outcomes=tuple(nobody)), "new", "champion", np.random.default_rng(1))
    assert verdict.passed
    assert verdict.guard is None

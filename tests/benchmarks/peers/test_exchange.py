"""Peers are asked fairly: the same lines, ties by id, nothing forbidden, and no more time than they have."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import exchange
from benchmarks.peers.exchange import DEPTH, Answers, Codes, Lines, Trial, ranked, top
from tests.benchmarks.peers.test_baskets import shop


@given(st.integers(0, 1_000), st.integers(1, 4_000), st.integers(1, 50))
def test_the_top_is_that_of_a_full_sort_with_ties_to_the_lower_code(seed: int, width: int, values: int) -> None:
    scores = np.random.default_rng(seed).integers(0, values, (3, width)).astype(np.float64)
    for row, answer in zip(scores, top(scores), strict=True):
        expected = [code for code in np.lexsort((np.arange(width), -row)) if row[code] > 0][:DEPTH]
        assert answer.tolist() == expected + [-1] * (DEPTH - len(expected))


def test_new_only_forbids_all_that_a_customer_ever_had() -> None:
    lines, histories = shop()
    scores = np.random.default_rng(0).random((lines.customer_count, lines.item_count)) + 0.1
    repeats, new = ranked(lines, lambda who: scores[who].copy())
    for row, customer in enumerate(lines.asked):
        had = {item for basket in histories[customer] for item in basket}
        assert set(repeats[row]) - {-1} == set(range(lines.item_count))
        assert set(new[row]) - {-1} == set(range(lines.item_count)) - had


def served(folder: Path, monkeypatch: pytest.MonkeyPatch, trials: list[Trial], budget: str) -> list[Answers]:
    lines, _ = shop()

    def favourite(lines: Lines, code: int) -> tuple[Codes, Codes]:
        sum(range(200_000))
        answer = np.full((len(lines.asked), DEPTH), -1, np.int32)
        answer[:, 0] = code
        return answer, answer[::-1]

    exchange.write(folder, lines, trials)
    monkeypatch.setattr(sys, "argv", ["script", str(folder), budget])
    exchange.serve({"favourite": favourite})
    return exchange.answers(folder)


def test_trials_are_answered_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = [Trial("favourite", {"code": code}) for code in (5, 3)]
    found = served(tmp_path, monkeypatch, trials, "1000")
    assert [answer.repeats[0, 0] for answer in found] == [5, 3]
    assert all(answer.cpu_seconds > 0 for answer in found)


def test_a_peer_whose_time_is_up_begins_nothing_more_and_old_answers_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [Trial("favourite", {"code": code}) for code in (5, 3, 4)]
    assert len(served(tmp_path, monkeypatch, trials, "1000")) == 3
    assert len(served(tmp_path, monkeypatch, trials, "0.0")) == 1

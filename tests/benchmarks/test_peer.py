"""What peers are given: all that was learned from and nothing else, and settings that can be told apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peer
from benchmarks.peers.exchange import DEPTH, Answers, Trial
from tests.training.shop import exam_of, records


def test_lines_are_what_was_learned_from_and_what_one_bought_at_one_moment_is_a_basket(tmp_path: Path) -> None:
    prepared = exam_of(tmp_path, records())
    train = prepared.train
    lines = peer.lines_of(train, np.array([2, 0], np.int32))
    theirs = sorted(zip(lines.customers, lines.items, lines.days, lines.weights, strict=True))
    assert theirs == sorted(zip(train.customers, train.items, train.days, train.weights, strict=True))
    assert lines.days.max() < prepared.holdout.split
    moments = {}
    for customer, day, basket in zip(lines.customers, lines.days, lines.baskets, strict=True):
        assert moments.setdefault((customer, day), basket) == basket
    assert len(set(moments.values())) == len(moments)
    assert (np.diff(lines.baskets) >= 0).all(), "the baskets of a customer are numbered by time"


@pytest.mark.parametrize("name", peer.PEERS)
def test_draws_are_distinct_repeatable_and_begin_with_the_published_settings(name: str) -> None:
    one, other = (peer.draws(name, 6, np.random.default_rng(3)) for _ in range(2))
    assert one == other
    assert len({json.dumps(trial.parameters) for trial in one}) == 6
    published = peer.PEERS[name].published
    assert published is None or one[0].parameters == published


def test_tuned_settings_are_some_that_tuning_draws_or_that_were_published() -> None:
    for data in ("complete_journey", "last_basket", "tafeng"):
        for name, trial in peer.tuned(data).items():
            known = peer.PEERS[name]
            drawn = all(value in known.choices[key] for key, value in trial.parameters.items())
            assert trial.model == known.model
            assert drawn or trial.parameters == known.published


def test_what_is_remembered_is_kept_beside_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_TUNED", tmp_path / "tuned.json")
    peer.remember("shop", {"cornac UPCF": Trial("upcf", {"recency": 5})})
    peer.remember("shop", {"implicit cosine": Trial("cosine", {"K": 20})})
    peer.remember("other", {"cornac UPCF": Trial("upcf", {"recency": 10})})
    assert {name: trial.parameters for name, trial in peer.tuned("shop").items()} == {
        "cornac UPCF": {"recency": 5},
        "implicit cosine": {"K": 20},
    }
    assert peer.tuned("unheard of") == {}


def test_the_score_rises_with_what_was_foreseen(tmp_path: Path) -> None:
    holdout = exam_of(tmp_path, records()).holdout
    nothing = np.full((len(holdout.queries), DEPTH), -1, np.int32)
    perfect = nothing.copy()
    for row, bought in enumerate(holdout.targets):
        perfect[row, : min(DEPTH, len(bought))] = bought[:DEPTH]
    new = nothing.copy()
    for row, (bought, seen) in enumerate(zip(holdout.targets, holdout.seen, strict=True)):
        unseen = np.setdiff1d(bought, seen)[:DEPTH]
        new[row, : len(unseen)] = unseen
    assert peer.score(Answers(nothing, nothing, 0.0), holdout) == 0
    assert peer.score(Answers(perfect, nothing, 0.0), holdout, "repeats allowed") == pytest.approx(1.0, abs=0.05)
    assert peer.score(Answers(perfect, new, 0.0), holdout) > 0.9

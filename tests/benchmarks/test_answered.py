"""A peer is judged as a model is: the same answers get the same figures, and what was forbidden is not let through."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.answered import Answered
from models.arrays import Codes, codes_of
from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender
from models.recommenders.rp3beta import RP3Beta
from tests.training.shop import exam_of, records
from training.dataset import Holdout
from training.evaluate import TASKS, evaluate


def answers_of(model: FittedRecommender, holdout: Holdout) -> Answered:
    """What a model says, written down: with repeats, and without what each customer has seen."""
    unseen = np.ones((len(holdout.queries), len(holdout.item_ids)), bool)
    for row, seen in enumerate(holdout.seen):
        unseen[row, seen] = False

    def codes(allow: "np.ndarray[tuple[int, int], np.dtype[np.bool_]] | None") -> Codes:
        ids = model.recommend(holdout.queries, 20, allow).ids
        found = np.full(ids.shape, -1, np.int32)
        found[ids != None] = codes_of(ids[ids != None], holdout.item_ids)  # noqa: E711
        return found

    return Answered("peer", holdout.item_ids, holdout.split, holdout.queries, codes(None), codes(unseen))


def test_written_answers_are_judged_as_the_model_that_gave_them(tmp_path: Path) -> None:
    prepared = exam_of(tmp_path, records())
    model = RP3Beta().fit(prepared.train)
    peer = answers_of(model, prepared.holdout)
    evaluation = evaluate({"model": model, "peer": peer}, {}, prepared.holdout)
    for task in TASKS:
        one, other = evaluation.of("model", task), evaluation.of("peer", task)
        assert one.mean("recall@10") > 0
        for measure, values in one.values.items():
            assert np.array_equal(values, other.values[measure]), measure
        assert one.coverage == other.coverage


def test_a_peer_that_answers_with_what_was_forbidden_is_caught(tmp_path: Path) -> None:
    prepared = exam_of(tmp_path, records())
    peer = answers_of(RP3Beta().fit(prepared.train), prepared.holdout)
    cheat = replace(peer, new=peer.repeats)
    with pytest.raises(ValueError, match="forbidden"):
        evaluate({"cheat": cheat}, {}, prepared.holdout)


def test_answers_are_of_their_products_alone(tmp_path: Path) -> None:
    prepared = exam_of(tmp_path, records())
    peer = answers_of(RP3Beta().fit(prepared.train), prepared.holdout)
    assert peer.extended(Catalogue(prepared.holdout.split, prepared.holdout.item_ids)) is peer
    with pytest.raises(ValueError, match="fit the peer again"):
        peer.extended(Catalogue(prepared.holdout.split, np.array(["another"], object)))

"""Promotion needs a verdict, and one against what is live now; going past the gate is written down for ever."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.evidence import Evidence, Snapshot
from models.recommenders.base import Interactions
from models.recommenders.popularity import Popularity
from models.registry import Registry, Version
from pipelines.promote import Refused, promote

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DATA = Interactions(
    customers=np.zeros(1, np.int32),
    items=np.zeros(1, np.int32),
    days=np.ones(1),
    weights=np.ones(1),
    item_ids=np.array(["a"], object),
    customer_count=1,
    until=2.0,
)


@pytest.fixture
def registry(tmp_path: Path, empty_mlflow: Path) -> Registry:
    """An empty MLflow in a folder of its own."""
    copy = shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return Registry(f"sqlite:///{copy}", str(tmp_path / "artifacts"))


def publish(registry: Registry, gate: str, champion: str = "") -> Version:
    """A version that the gate judged as told, against that champion."""
    evidence = Evidence({}, {}, Snapshot("test", "digest", NOW, NOW, 1, 1, 1))
    tags = {"gate": gate, "gate.words": "by so much", "gate.champion": champion}
    fitted = Popularity().fit(DATA)
    return registry.publish("recommender", Popularity(), fitted, (), replace(evidence, tags=tags))


def test_the_challenger_goes_live_when_the_gate_passed_it(registry: Registry) -> None:
    one = publish(registry, "passed")
    moved = promote(registry, "recommender", None, "ann", "first", NOW)
    assert (moved.live.number, moved.replaced) == (one.number, None)
    two = publish(registry, "passed", champion=one.number)
    moved = promote(registry, "recommender", two.number, "ann", "better", NOW)
    assert moved.replaced is not None
    assert (moved.live.number, moved.replaced.number) == (two.number, one.number)


def test_a_refused_version_stays_out_and_hears_why(registry: Registry) -> None:
    publish(registry, "refused")
    with pytest.raises(Refused, match=r"recommender 1 did not pass the gate \(refused\): by so much"):
        promote(registry, "recommender", None, "ann", "please", NOW)


def test_a_verdict_against_an_earlier_champion_says_nothing(registry: Registry) -> None:
    one, two = publish(registry, "passed"), publish(registry, "passed")
    promote(registry, "recommender", one.number, "ann", "first", NOW)
    with pytest.raises(Refused, match="judged against no champion, but 1 is live"):
        promote(registry, "recommender", two.number, "ann", "second", NOW)


def test_what_was_rolled_back_does_not_come_back_by_itself(registry: Registry) -> None:
    one = publish(registry, "passed")
    promote(registry, "recommender", None, "ann", "first", NOW)
    publish(registry, "passed", champion=one.number)
    promote(registry, "recommender", None, "cron", "better", NOW)
    registry.rollback("recommender", "ann", "customers complained", NOW)
    with pytest.raises(Refused, match="rolled back: customers complained"):
        promote(registry, "recommender", None, "cron", "better", NOW)


def test_past_the_gate_is_possible_and_remembered(registry: Registry) -> None:
    publish(registry, "refused")
    moved = promote(registry, "recommender", None, "ann", "the shop is new", NOW, force=True)
    assert moved.live.tags["promoted_why"] == "forced past the gate: the shop is new"


def test_nothing_to_promote(registry: Registry) -> None:
    with pytest.raises(LookupError, match="train --help"):
        promote(registry, "recommender", None, "ann", "why", NOW)

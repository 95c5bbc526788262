"""The canary against the others: it is promoted, ended or left open by what it caused, and seldom by chance."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.reports.finding import from_text
from models.evidence import Evidence, Snapshot
from models.line import LINE
from models.policies.uniform import Uniform
from models.published import CANARY, CHAMPION, Version
from models.registry import Registry
from tests.registries import empty_registry
from tests.training.policy.planted import MODEL, START, Planted, hours
from training.policy.dataset import History
from training.policy.trial import compared, groups_of, watch

LATER = START + timedelta(days=30)


def world(tried: float, others: float, customers: int = 1_000, seed: int = 1) -> History:
    """Half of the customers get version 2; the share of each half that buys (for 20, of which 10 are earned)."""
    rng, shop = np.random.default_rng(seed), Planted()
    for number in range(customers):
        who, on_trial = f"c{number}", number % 2 == 0
        told: dict[str, Any] = (
            {"policy_version": "2", "policy_alias": "canary"} if on_trial else {"policy_alias": "champion"}
        )
        shop.decided(f"d{number}", who, START + timedelta(minutes=number), False, **told)
        if rng.random() < (tried if on_trial else others):
            shop.ordered(who, START + hours(40), "20")
    return shop.history(LATER)


@pytest.fixture(scope="module")
def better() -> History:
    """The canary sells twice as much."""
    return world(0.6, 0.3)


@pytest.fixture(scope="module")
def worse() -> History:
    """Half as much."""
    return world(0.3, 0.6)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    """The folder of an MLflow with a champion, version 1, and a canary, version 2."""
    folder = tmp_path_factory.mktemp("mlflow")
    found = empty_registry(empty_mlflow, folder)
    found.promote(published(found), "ann", "the first", START)
    found.admit(published(found), "ann", "it passed", START)
    return folder


@pytest.fixture
def registry(tmp_path: Path, begun: Path) -> Registry:
    """A copy of it."""
    return Registry(f"sqlite:///{shutil.copy(begun / 'mlflow.db', tmp_path)}", str(begun / "artifacts"))


def published(registry: Registry, **tags: str) -> Version:
    """A version."""
    evidence = Evidence({}, {}, Snapshot("test", "digest", START, START, 1, 1, 1), tags=tags)
    return registry.publish(MODEL, Uniform(), Uniform().fit(), (), evidence)


def number(registry: Registry, alias: str) -> str | None:
    """Who carries an alias."""
    found = registry.alias(MODEL, alias)
    return found.number if found else None


def test_a_better_canary_becomes_the_champion_and_says_why(registry: Registry, better: History) -> None:
    found = watch(MODEL, registry, better, 0.5, LATER)
    assert found is not None
    assert found.outcome == "better"
    assert found.compared.difference.low < 3 < found.compared.difference.high
    assert (number(registry, CHAMPION), number(registry, CANARY)) == ("2", None)
    tags = registry.version(MODEL, "2").tags
    assert (tags["promoted_by"], tags["replaces"], tags["canary.champion"]) == ("learn", "1", "1")
    assert from_text(tags["canary.findings"]) == (found.compared.finding,)
    assert watch(MODEL, registry, better, 0.5, LATER) is None, "there is no canary any more"


def test_a_worse_canary_is_ended_and_the_champion_stays(registry: Registry, worse: History) -> None:
    found = watch(MODEL, registry, worse, 0.5, LATER)
    assert found is not None
    assert found.outcome == "worse"
    assert (number(registry, CHAMPION), number(registry, CANARY)) == ("1", None)
    assert registry.version(MODEL, "2").tags["dismissed_by"] == "learn"


def test_what_somebody_moves_while_it_is_compared_is_left_to_the_next_run(registry: Registry, better: History) -> None:
    third = published(registry)

    @contextmanager
    def overtaken(name: str) -> Iterator[None]:
        registry.promote(third, "ann", "this one", LATER)
        yield

    late = Registry(registry.uri, registry.artifacts, overtaken)
    assert watch(MODEL, late, better, 0.5, LATER) is not None
    assert (number(registry, CHAMPION), number(registry, CANARY)) == (third.number, "2")


def test_one_that_is_neither_goes_on(registry: Registry) -> None:
    found = watch(MODEL, registry, world(0.4, 0.4), 0.5, LATER)
    assert found is not None
    assert found.outcome == "open"
    assert number(registry, CANARY) == "2"
    assert registry.version(MODEL, "2").tags["canary"] == "open"


def test_a_run_that_was_killed_after_the_promotion_is_made_good(registry: Registry, better: History) -> None:
    live = registry.promote(registry.version(MODEL, "2"), "learn", "better", LATER)
    registry.admit(live, "nobody", "the alias that a killed run left behind", LATER)
    registry.succeed(registry.tag(published(registry), {LINE: "2"}), live)
    assert watch(MODEL, registry, better, 0.5, LATER) is None
    assert (number(registry, CHAMPION), number(registry, CANARY)) == ("3", None)


def test_open_windows_and_an_unknown_version_say_nothing(better: History) -> None:
    version = Version(MODEL, "2", "", CANARY, START)
    shop = Planted()
    for number in range(400):
        shop.decided(f"d{number}", f"c{number}", START, False, policy_version="12"[number % 2])
    early = compared(shop.history(START + hours(20)), version, 0.5, START + hours(20))
    assert (early.outcome, early.customers) == ("go on", 0)
    nobody = Version(MODEL, "77", "", CANARY, START)
    assert compared(better, nobody, 0.5, LATER).customers == 0


def test_groups_of_the_wrong_size_end_it(registry: Registry, better: History) -> None:
    found = watch(MODEL, registry, better, 0.1, LATER)
    assert found is not None
    assert found.outcome == "worse"
    assert "500 of 1000 customers got the candidate, 10% were to" in found.compared.words
    assert number(registry, CANARY) is None


def test_only_what_was_decided_beside_it_for_the_policys_customers_is_compared() -> None:
    shop = Planted()
    shop.decided("before", "bob", START, False)
    shop.decided("canary", "ann", START + hours(1), False, policy_version="2", trigger="a")
    shop.decided("canary, second", "ann", START + hours(2), False, policy_version="2", trigger="a", step=2)
    shop.decided("ann without it", "ann", START + hours(3), False, policy_version="1", trigger="b")
    shop.decided("after", "bob", START + hours(4), False, trigger="c")
    shop.decided("chance", "cleo", START + hours(4), False, arm="random")
    shop.decided("fallback", "dan", START + hours(4), False, learnable=False)
    seen = shop.history(LATER)
    among, on_trial = groups_of(seen, "2")
    ids = seen.journal.decision_ids
    assert ids[among & on_trial].tolist() == ["canary", "canary, second", "ann without it"]
    assert ids[among & ~on_trial].tolist() == ["after"]

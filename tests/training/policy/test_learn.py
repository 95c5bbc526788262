"""What is live learns what has matured, each thing once, whatever is killed, told late or told twice."""

import os
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.reports.finding import Finding, from_text
from models.line import BASE, DECISIONS, FROZEN, SAW_NOTHING, base_of, line_of
from models.policies.factored import Factored
from models.policies.rule import Message, Rule
from models.promotion import promote
from models.published import CHALLENGER, CHAMPION, Version
from models.registry import Registry
from tests.features.forked import forked
from tests.registries import empty_registry
from tests.training.policy.planted import MODEL, START, Planted, hours
from training.policy.dataset import History
from training.policy.learn import Learned, learn
from training.policy.train import train

RULE = Rule((Message("email", "24h", "reminder"),))
LATER = START + timedelta(days=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    """Of an MLflow with a champion that does as the shop did."""
    folder = tmp_path_factory.mktemp("mlflow")
    registry = empty_registry(empty_mlflow, folder)
    train(MODEL, Planted().history(START), RULE, registry, 0)
    promote(registry, MODEL, None, "ann", "it does as the shop did", START)
    return folder


@pytest.fixture
def begun(tmp_path: Path, folder: Path) -> Registry:
    """A copy of it."""
    return Registry(f"sqlite:///{shutil.copy(folder / 'mlflow.db', tmp_path / 'begun.db')}", str(folder / "artifacts"))


def days_of_mail(shop: Planted, count: int, since: int = 0, at: datetime = START) -> None:
    """Decisions an hour apart, every other one silence; every third customer buys."""
    for number in range(since, since + count):
        key, who, when = f"d{number}", f"c{number}", at + hours(number)
        shop.decided(key, who, when, send=number % 2 == 0)
        if number % 2 == 0:
            shop.sent(key, who, when + hours(24))
        if number % 3 == 0:
            shop.ordered(who, when + hours(30), "30")


def learned(registry: Registry, shop: Planted, as_of: datetime = LATER, fold: int = 1_000, **more: bool) -> Learned:
    """One run."""

    def read(after: int) -> History:
        return shop.history(as_of, after)

    return learn(MODEL, read, registry, fold=fold, **more)


def same(registry: Registry, version: Version, log: History, base: Version) -> bool:
    """Whether `version` knows what `base` does and `log`, once, and nothing else."""
    expected = registry.load(base).model.updated(log.log(log.teaches)).arrays()
    found = registry.load(version).model.arrays()
    return expected.keys() == found.keys() and all(np.array_equal(expected[name], found[name]) for name in expected)


def test_a_candidate_says_what_it_saw_and_waits_for_the_gate(registry: Registry) -> None:
    shop = Planted()
    days_of_mail(shop, 12)
    shop.decided("open", "zoe", LATER - hours(1), send=False)
    end = shop.logs.decisions.last_position()
    trained = train(MODEL, shop.history(LATER), RULE, registry, end)
    tags = trained.version.tags
    assert trained.decisions == 12, "what is open is left for later"
    assert (tags[FROZEN], tags[DECISIONS], tags[SAW_NOTHING], tags["gate"]) == ("13", "12", "false", "pending")
    assert from_text(tags["gate.findings"]) == (Finding.of("frozen", {"position": 13}),)
    assert registry.alias(MODEL, CHAMPION) is None
    assert trained.recipe == Factored(rule=RULE)


def test_it_learns_what_matured_once_and_corrects_what_came_late(registry: Registry, begun: Registry) -> None:
    shop = Planted()
    assert not learned(registry, shop).moved, "nothing is live"
    registry, first = begun, begun.version(MODEL, "1")
    assert not learned(registry, shop).moved, "nothing was decided"
    days_of_mail(shop, 20)
    early = learned(registry, shop, START + hours(40))
    assert (early.moved, early.matured) == (False, 0), "nothing is mature"

    once = learned(registry, shop)
    assert once.moved
    assert once.live is not None
    assert (once.decisions, once.matured) == (20, 20)
    assert (line_of(once.live), base_of(once.live), once.live.tags["replaces"]) == (first.number, first.number, "")
    assert same(registry, once.live, shop.history(LATER), first)
    challenger = registry.alias(MODEL, CHALLENGER)
    assert challenger is not None
    assert challenger.number == first.number, "what was learned is no candidate"

    again = learned(registry, shop)
    assert (again.moved, again.words) == (False, "nothing has matured since")
    assert len(registry.versions(MODEL)) == 2

    shop.ordered("c1", START + hours(20), "900")
    late = learned(registry, shop)
    assert late.moved
    assert late.live is not None
    assert same(registry, late.live, shop.history(LATER), first), "nothing counts twice"


def test_killed_between_the_version_and_the_alias_it_is_made_good_by_the_next_run(begun: Registry) -> None:
    registry, shop, first = begun, Planted(), begun.version(MODEL, "1")
    days_of_mail(shop, 10)

    def killed_on_the_way() -> None:
        killed = Registry(registry.uri, registry.artifacts)
        killed.succeed = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign, assignment]
        learned(killed, shop)

    child = forked(killed_on_the_way)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    live = registry.alias(MODEL, CHAMPION)
    assert live is not None
    assert (live.number, len(registry.versions(MODEL))) == (first.number, 2)
    found = learned(registry, shop)
    assert found.live is not None
    assert (found.live.number, len(registry.versions(MODEL))) == ("2", 2), "the version that was there goes live"
    assert same(registry, found.live, shop.history(LATER), first)


def test_what_is_frozen_stays(begun: Registry) -> None:
    shop = Planted()
    days_of_mail(shop, 10)
    found = learned(begun, shop, frozen=True)
    assert (found.moved, found.words) == (False, "frozen by the mode of its decision points")
    assert len(begun.versions(MODEL)) == 1


def test_a_new_base_knows_what_was_settled_and_a_version_on_it_the_rest(begun: Registry) -> None:
    registry, shop, first = begun, Planted(), begun.version(MODEL, "1")
    days_of_mail(shop, 10)
    folded = learned(registry, shop, fold=4)
    assert folded.live is not None
    base = registry.version(MODEL, base_of(folded.live))
    assert base.number != first.number
    assert (base.tags[DECISIONS], BASE in base.tags, line_of(base)) == ("6", False, first.number)
    assert folded.decisions == 4
    whole = shop.history(LATER)
    assert same(registry, folded.live, shop.history(LATER, after=6), base)
    older = np.arange(len(whole)) < 6
    expected = registry.load(first).model.updated(whole.log(older & whole.teaches)).arrays()
    found = registry.load(base).model.arrays()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    assert not learned(registry, shop, fold=4).moved
    assert len(registry.versions(MODEL)) == 3


def test_after_a_rollback_the_line_of_before_goes_on(begun: Registry) -> None:
    registry, shop, first = begun, Planted(), begun.version(MODEL, "1")
    days_of_mail(shop, 6)
    before = learned(registry, shop).live
    assert before is not None
    train(MODEL, shop.history(LATER), RULE, registry, 6)
    second = promote(registry, MODEL, None, "ann", "a new one", LATER, force=True).live
    days_of_mail(shop, 6, since=6)
    later = learned(registry, shop).live
    assert later is not None
    assert line_of(later) == second.number
    assert registry.rollback(MODEL, "ann", "it was worse", LATER).number == before.number
    back = learned(registry, shop).live
    assert back is not None
    assert line_of(back) == first.number
    assert same(registry, back, shop.history(LATER), first)

"""The gate on planted logs, end to end: from what stands in the logs to what the version says of itself."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.reports.finding import from_text
from models.evidence import Evidence, Snapshot
from models.line import DECISIONS, FROZEN, LINE
from models.policies.base import Policy
from models.policies.rule import Message, Rule
from models.policies.uniform import Uniform
from models.published import Version
from models.registry import Registry
from tests.registries import empty_registry
from tests.training.policy.planted import MAIL, MODEL, SILENCE, START, TERMS, Planted, hours
from training.policy.assess import Assessment, assess
from training.policy.dataset import History
from training.policy.report import WORDS

LATER = START + timedelta(days=30)
MAILING = Rule((Message("email", "24h", "reminder"),))
SHARES = {"policy": 0.9, "holdout": 0.1}
COUNT = 1_400


@pytest.fixture(scope="module")
def seen() -> History:
    """By the toss of a coin a mail or silence; mailed, half buys for 20, else a fifth. A tenth is the holdout."""
    rng, shop = np.random.default_rng(5), Planted()
    even = [msgspec.structs.replace(option, probability=0.5) for option in (SILENCE, MAIL)]
    for number in range(COUNT):
        who, at = f"c{number}", START + timedelta(minutes=10 * number)
        holdout, send = number % 10 == 0, bool(rng.random() < 0.5)
        if holdout:
            shop.decided(f"d{number}", who, at, False, arm="holdout", policy="none", learnable=False)
        else:
            offered = [even[0], msgspec.structs.replace(even[1], send_at=at + hours(24))]
            shop.decided(f"d{number}", who, at, send, offered, policy_alias="champion")
        if send and not holdout:
            shop.sent(f"d{number}", who, at + hours(24))
        if rng.random() < (0.5 if send and not holdout else 0.2):
            shop.ordered(who, at + hours(30), "20")
    return shop.history(LATER)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Registry:
    """An MLflow with one champion, version 1."""
    folder = tmp_path_factory.mktemp("mlflow")
    found = empty_registry(empty_mlflow, folder)
    found.promote(published(found, Uniform(0.0)), "ann", "the first", START)
    return found


def published(registry: Registry, recipe: Policy) -> Version:
    """A version that was frozen before anything was decided."""
    tags = {FROZEN: "0", DECISIONS: "0", "gate": "pending"}
    evidence = Evidence({}, {}, Snapshot("test", "digest", START, START, 1, 1, 1), tags=tags)
    return registry.publish(MODEL, recipe, recipe.fit(), (), evidence)


@pytest.fixture(scope="module")
def mailing(registry: Registry) -> Version:
    """Whoever left a cart gets a mail."""
    return published(registry, MAILING)


def frozen(version: Version, upto: int, learned: int = 0) -> Version:
    """The same, had it been frozen there."""
    return replace(version, tags={**version.tags, FROZEN: str(upto), DECISIONS: str(learned)})


def assessed(registry: Registry, seen: History, version: Version) -> Assessment:
    """By the gate."""
    live = registry.alias(MODEL, "champion")
    assert live is not None
    return assess(version, live, seen, SHARES, registry)


def test_a_better_policy_passes_and_the_version_says_against_whom(
    registry: Registry, seen: History, mailing: Version
) -> None:
    found = assessed(registry, seen, mailing)
    assert found.gate == "passed", found.verdict.words
    assert found.verdict.valued is not None
    chosen = found.verdict.valued.chosen
    truth = 10 * 0.5 - 0.1 - (10 * 0.35 - 0.05)
    assert chosen.difference.low < truth < chosen.difference.high
    tags = registry.version(MODEL, mailing.number).tags
    assert (tags["gate"], tags["gate.champion"]) == ("passed", "1")
    said = from_text(tags["gate.findings"])
    assert [one.code for one in said] == ["valued", "admitted"]
    assert said[0].figures["difference"] == chosen.difference.mean
    above = found.groups.uplifts["holdout"]
    assert above.low > 0
    assert abs(above.mean - (10 * 0.15 - 0.05)) < 1.5 * (above.high - above.mean), "three standard errors"
    assert set(found.evidence.figures) == {"groups", "estimates", "weights", "propensities"}
    assert "admitted to a canary" in found.evidence.card
    assert found.provable is not None
    assert f"in a month, {found.provable}" in found.evidence.card
    assert found.provable.decisions > found.verdict.decisions, "it took ten days"
    estimators = found.evidence.tables["estimates"]["estimator"].tolist()
    assert estimators[0] == "clipped dr"
    assert set(estimators) == set(WORDS), "each is told in words"


def test_a_worse_policy_is_refused(registry: Registry, seen: History) -> None:
    found = assessed(registry, seen, published(registry, Rule()))
    assert found.gate == "refused"
    assert "not_better" in found.verdict.codes
    assert "`not_better`" in found.evidence.card


def test_what_was_decided_before_the_freezing_does_not_count(
    registry: Registry, seen: History, mailing: Version
) -> None:
    found = assessed(registry, seen, frozen(mailing, COUNT - 300))
    assert found.gate == "pending"
    assert found.verdict.codes == ("too_few_decisions",)
    assert found.verdict.decisions == 270, "the holdout does not judge"


def test_who_learned_from_behind_the_freezing_is_caught(registry: Registry, seen: History, mailing: Version) -> None:
    found = assessed(registry, seen, frozen(mailing, 10, learned=COUNT))
    assert (found.gate, found.verdict.codes) == ("refused", ("candidate_saw_window",))


def test_a_version_of_the_champions_own_line_gets_no_verdict(registry: Registry, seen: History) -> None:
    version = registry.tag(published(registry, Uniform(0.0)), {LINE: "1", "gate": "same policy"})
    assessed(registry, seen, version)
    assert registry.version(MODEL, version.number).tags["gate"] == "same policy"


def test_only_what_the_champion_did_and_cannot_change_is_judged_on() -> None:
    shop = Planted()
    kinds: dict[str, dict[str, Any]] = {
        "champion": {},
        "canary": {"policy_alias": "canary"},
        "chance": {"arm": "random"},
    }
    for key, more in kinds.items():
        shop.decided(key, key, send=False, **more)
    shop.decided("open", "zoe", LATER - hours(2), send=False)
    assert shop.history(LATER).by_champion.tolist() == [True, False, False, False]


def test_a_decision_that_stays_open_hides_none_behind_it() -> None:
    shop = Planted()
    shop.decided("long", "zoe", send=False, terms=msgspec.structs.replace(TERMS, window_hours=5_000.0))
    shop.decided("short", "ann", send=False)
    assert shop.history(LATER).by_champion.tolist() == [False, True]


def test_where_nothing_was_decided_it_is_said(registry: Registry) -> None:
    with pytest.raises(LookupError, match="nothing was decided"):
        assessed(registry, Planted().history(LATER), registry.version(MODEL, "1"))

"""Versions of policies: followed, tried on a share of the customers, probed before they go live, rolled back."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions
from models.policies.rule import Message, Rule
from models.policies.uniform import Uniform
from models.published import CANARY, CHAMPION
from serving.decisions.champion import probe
from serving.decisions.deciders import decider_of
from tests.serving.decisions.world import MODEL, POINT, ask, bank, deciding, live, logged, of_arm, publish, registry
from tests.serving.world import NOW, Shop
from tests.waiting import until

RULE = Rule((Message("email", "48h", "benefits"),))


@dataclass(frozen=True)
class Broken:
    """A policy that answers whatever it is told to."""

    share: float
    name: str = "broken"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        if np.isnan(self.share):
            raise RuntimeError("this policy is broken")
        return np.full(len(eligible.codes), self.share)

    def updated(self, log: LoggedDecisions) -> "Broken":
        return self

    def arrays(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("share", [0.9, -1.0, np.inf, np.nan, 0.0])
def test_what_answers_no_probabilities_does_not_go_live(share: float) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        probe(Broken(share))
    probe(Uniform().fit())
    probe(RULE.fit())


@pytest.mark.parametrize("share", [0.9, np.nan])
def test_a_policy_that_fails_is_replaced_by_the_rule(
    decider: Shop, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    policies = decider.resources.policies
    broken = policies.champion(MODEL)
    monkeypatch.setitem(policies._live, (MODEL, CHAMPION), type(broken)(broken.version, Broken(share), CHAMPION))
    answer = ask(decider, next(of_arm("policy", "failed")))
    assert (answer["policy"]["name"], answer["propensity"]) == ("rule", 1.0)
    assert answer["degraded_reason"] == "policy_failed"
    assert not logged(decider, answer["decision_id"]).learnable


def test_a_version_goes_live_is_rolled_back_and_retired(decider: Shop, chance_folder: Path) -> None:
    users = of_arm("policy", "versions")
    second = publish(chance_folder, RULE)
    live(decider, second.number)
    answer = ask(decider, next(users))
    assert (answer["policy"]["version"], answer["action"]["argument"]) == (second.number, "benefits")
    registry(chance_folder).rollback(MODEL, "a test", "it was better before", NOW)
    live(decider, "1")
    assert ask(decider, next(users))["policy"] == {"name": MODEL, "version": "1", "alias": "champion"}


def test_a_canary_decides_for_its_share_of_the_customers_and_for_nobody_once_it_is_dismissed(
    decider: Shop, chance_folder: Path
) -> None:
    tried = publish(chance_folder, RULE, alias=CANARY)
    live(decider, tried.number, CANARY)
    users = list(islice(of_arm("policy", "tried"), 120))
    body = {"decision_point": POINT, "trigger": {"id": "c"}, "subjects": [{"user_id": user} for user in users]}
    answers = decider.client.post("/v1/decisions/batch", json=body).json()["answers"]
    told = [answer["policy"]["alias"] for answer in answers]
    assert 3 <= told.count(CANARY) <= 26
    assert told.count(CANARY) + told.count(CHAMPION) == len(users)
    assert {answer["policy"]["version"] for answer in answers if answer["policy"]["alias"] == CANARY} == {tried.number}
    registry(chance_folder).dismiss(MODEL, "a test", "it was worse", NOW)
    until(lambda: decider.resources.policies.canary(MODEL) is None, "the canary is gone")
    lucky = users[told.index(CANARY)]
    assert ask(decider, lucky, "another")["policy"]["alias"] == CHAMPION
    assert ask(decider, lucky, "c")["policy"]["alias"] == CANARY  # what was decided stands


def test_in_canary_mode_the_rule_decides_for_the_others(chance_folder: Path) -> None:
    path = bank(chance_folder, f'[points.{POINT}]\nmode = "canary"\ncanary = 0.5\n')
    with deciding(chance_folder, action_bank=path) as shop:
        live(shop)
        answers = [ask(shop, user) for user in islice(of_arm("policy", "half"), 40)]
    names = [answer["policy"]["name"] for answer in answers]
    assert 8 <= names.count(MODEL) <= 32
    assert names.count(MODEL) + names.count("rule") == 40
    assert not any(answer["degraded"] for answer in answers)


def test_the_same_customers_are_tried_again_for_the_same_version_only(decider: Shop, chance_folder: Path) -> None:
    resources = decider.resources
    users = list(islice(of_arm("policy", "drawn"), 300))

    def chosen() -> Mapping[str, bool]:
        now = resources.bank.now
        deciders = {
            user: decider_of(now.points[POINT], now.groups, "policy", user, resources.policies, None) for user in users
        }
        return {user: decider.alias == CANARY for user, decider in deciders.items()}

    drawn = []
    for number in ("2", "3"):
        assert publish(chance_folder, RULE, alias=CANARY).number == number
        live(decider, number, CANARY)
        drawn.append(chosen())
        assert chosen() == drawn[-1]
    first, second = ({user for user in users if one[user]} for one in drawn)
    assert 5 < len(second) < 75
    assert len(first & second) < len(first) / 2


def test_a_broken_registry_leaves_what_is_live(decider: Shop, chance_folder: Path) -> None:
    (chance_folder / "mlflow.db").write_bytes(b"this is no database")
    until(lambda: decider.resources.policies._follower.failing, "the registry cannot be read")
    assert ask(decider, next(of_arm("policy", "kept")))["policy"]["version"] == "1"

"""A policy that fails at one decision decides about the others all the same."""

import numpy as np
import pytest

from features.decisions import Option
from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.uniform import Uniform
from serving.decisions.deciders import POLICY_FAILED, Decider
from serving.decisions.default_bank import DEFAULT
from serving.decisions.drawing import Draft, draw

OPTIONS = Option(0.0), Option(0.0, "email", delay="24h", argument="reminder", delay_hours=24.0)


class Touchy:
    """Chance, but for a customer whose cart is worth 13."""

    name = "touchy"

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        if (contexts.columns(["cart_value"]) == 13).any():
            raise ArithmeticError("thirteen")
        return Uniform().fit().probabilities(contexts, eligible)


def drafts(shadow: bool) -> list[Draft]:
    rule, touchy = Uniform().fit(), Touchy()
    decider = Decider("rule", rule, shadow=touchy) if shadow else Decider("touchy", touchy)  # type: ignore[arg-type]
    point = DEFAULT.points["cart_recovery"]
    return [Draft(f"dec_{value}", point, "policy", decider, {"cart_value": value}, OPTIONS, 1) for value in (5, 13, 40)]


def test_only_where_it_fails_the_rule_decides(caplog: pytest.LogCaptureFixture) -> None:
    found = draw(drafts(shadow=False))
    assert [one.decider.degraded_reason for one in found] == [None, POLICY_FAILED, None]
    assert [one.decider.name for one in found] == ["touchy", "rule", "touchy"]
    alone = [draw([one])[0] for one in drafts(shadow=False)]
    for one, by_itself in zip(found, alone, strict=True):
        assert one.chosen == by_itself.chosen
        assert np.array_equal(one.probabilities, by_itself.probabilities)
    assert "thirteen" not in caplog.text


def test_nor_is_more_missing_of_the_one_in_the_shadow() -> None:
    assert [one.would_choose is None for one in draw(drafts(shadow=True))] == [False, True, False]

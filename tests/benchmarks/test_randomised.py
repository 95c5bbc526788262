"""Thinning a randomised trial gives the log of the policy that was asked for, propensities and all; what a personal
policy is worth decides what becomes of it."""

import numpy as np
import pytest

from benchmarks.randomised import Trial, check
from models.off_policy.base import Evidence
from models.off_policy.diagnostics import calibration
from models.off_policy.ips import IPS
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible


def test_a_thinned_trial_is_the_log_of_the_policy():
    rng = np.random.default_rng(0)
    n, count = 30_000, 3
    known, actions = rng.normal(size=(n, 1)), rng.integers(count, size=n)
    outcomes = (rng.random(n) < 0.2 + 0.1 * actions).astype(float)
    one = Eligible.of([[({"channel": name}, {}) for name in ("email", "sms", "web_push")]])
    trial = Trial("made", Contexts(("x",), known), actions, outcomes, np.arange(n), one)
    scores = np.exp(known * np.array([1.0, 0.0, -1.0]))
    wanted = scores / scores.sum(axis=1, keepdims=True)
    log, mine = trial.thinned(rng, np.arange(n), wanted)
    assert calibration(log, wanted[mine].ravel()).pvalue > 0.001
    assert log.propensities == pytest.approx(wanted[mine, actions[mine]])
    always = np.tile([0.0, 0.0, 1.0], len(log))
    assert IPS().scores(Evidence(log, always)).value == pytest.approx(0.4, abs=0.04)


def test_a_personal_policy_is_promoted_where_people_differ_and_not_where_they_do_not():
    rng = np.random.default_rng(1)
    n, count = 16_000, 3
    known, actions = rng.normal(size=(n, 1)), rng.integers(count, size=n)
    one = Eligible.of([[({"channel": name}, {}) for name in ("email", "sms", "web_push")]])
    for apart, promoted in ((0.25, 1), (0.0, 0)):
        chance = 0.4 + apart * np.sign(known[:, 0]) * (actions - 1)
        trial = Trial(
            "made", Contexts(("x",), known), actions, (rng.random(n) < chance).astype(float), np.arange(n), one
        )
        fates = check(trial, 4, np.random.default_rng(2)).fates
        assert fates["personal policies"] == 1
        assert fates["promoted"] == promoted
        assert fates["of those no better"] == 0

"""The gate passes who orders better and is as honest, and nobody else."""

from collections.abc import Mapping

import numpy as np
import pytest

from models.arrays import Floats
from training.metrics.calibration import reliability
from training.metrics.survival import measures
from training.replenishment.gate import ALLOWED, judge
from training.replenishment.timing import HORIZON, Outcome, Part, Timing

CUSTOMERS = 200
EACH = 10


def timing(noise: Mapping[str, float], warped: Mapping[str, float] | None = None) -> Timing:
    """Models that know each pair's true rate up to `noise`, and say hazards `warped` times as high."""
    rng = np.random.default_rng(0)
    customers = np.repeat(np.arange(CUSTOMERS, dtype=np.int32), EACH)
    hazards = np.exp(rng.normal(-3.3, 0.9, len(customers)))
    times = rng.geometric(np.minimum(hazards, 1)).astype(np.float64)
    observed, times = times <= HORIZON, np.minimum(times, HORIZON)
    outcomes = []
    for name, blur in noise.items():
        guess = np.clip(hazards * np.exp(rng.normal(0, blur, len(hazards))), 0, 0.9) * (warped or {}).get(name, 1.0)
        curves: Floats = (1 - np.minimum(guess, 0.99)[:, None]) ** np.arange(HORIZON + 1)
        values = {key: ratio.by_customer(customers) for key, ratio in measures(curves, times, observed).items()}
        told = {days: reliability(1 - curves[:, days], observed & (times <= days)) for days in (7, 14, 28)}
        part = Part(len(times), values, told, curves.mean(axis=0))
        outcomes.append(Outcome(name, "need", {"all": part}, np.zeros(10), 0.0))
    return Timing(tuple(outcomes), ("formula", "guess"))


def test_who_orders_better_and_tells_the_truth_passes() -> None:
    found = judge(
        timing({"candidate": 0.1, "champion": 0.8, "formula": 1.0, "guess": 3.0}),
        "candidate",
        "champion",
        np.random.default_rng(0),
    )
    assert found.passed
    assert found.opponent == "champion"
    assert found.order.low > 0
    assert found.chance.low > 0
    assert "not above 0" not in found.words


def test_the_same_again_does_not_pass() -> None:
    found = judge(
        timing({"candidate": 0.1, "champion": 0.1, "formula": 1.0, "guess": 3.0}),
        "candidate",
        "champion",
        np.random.default_rng(0),
    )
    assert not found.passed
    assert "not above 0" in found.words


def test_better_order_does_not_pay_for_false_promises() -> None:
    noise = {"candidate": 0.1, "champion": 0.35, "formula": 1.0, "guess": 3.0}
    found = judge(timing(noise, {"candidate": 1.25}), "candidate", "champion", np.random.default_rng(0))
    assert found.order.low > 0
    assert found.dishonesty > ALLOWED
    assert not found.passed
    assert "worse by more than" in found.words


def test_the_first_one_has_to_beat_the_best_formula() -> None:
    weak = judge(timing({"candidate": 0.9, "formula": 0.1, "guess": 3.0}), "candidate", None, np.random.default_rng(0))
    assert (weak.passed, weak.opponent) == (False, "formula")
    strong = judge(
        timing({"candidate": 0.0, "formula": 0.9, "guess": 3.0}), "candidate", None, np.random.default_rng(0)
    )
    assert strong.passed


@pytest.mark.parametrize("measure", ["concordance", "brier 14", "rmae"])
def test_the_best_baseline_is_the_better_one(measure: str) -> None:
    assert timing({"formula": 0.1, "guess": 3.0}).best_baseline(measure).name == "formula"

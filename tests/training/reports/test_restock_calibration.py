"""The calibration that stays with a version: what was judged, bin by bin."""

import numpy as np
import pytest

from training.metrics.calibration import reliability
from training.replenishment.honesty import reliabilities
from training.replenishment.timing import Outcome, Part, Timing
from training.reports.restock_calibration import calibration

RNG = np.random.default_rng(3)
CHANCES = RNG.random(4_000)
CAME = RNG.random(4_000) < CHANCES


def timing() -> Timing:
    told = {days: reliability(CHANCES, CAME if days == 14 else ~CAME) for days in (7, 14, 28)}
    part = Part(len(CHANCES), {}, told, np.ones(3))
    return Timing((Outcome("hazard", "need", {"all": part}, np.zeros(10), 1.0),), ())


def test_what_is_read_back_is_what_was_judged() -> None:
    csv = reliabilities(timing(), "hazard").to_csv(index=False)
    found = calibration(csv, "7")
    judged = reliability(CHANCES, CAME)
    assert found is not None
    assert (found.model_version, found.days) == ("7", 14)
    assert found.error == pytest.approx(judged.error, abs=1e-4)
    assert [one.foreseen for one in found.bins] == pytest.approx(judged.predicted.tolist(), abs=1e-4)
    assert [one.happened.value for one in found.bins] == pytest.approx(judged.observed.tolist(), abs=1e-4)
    assert sum(one.happened.of for one in found.bins) == len(CHANCES)
    inside = [one.happened.low <= one.foreseen <= one.happened.high for one in found.bins]  # type: ignore[operator]
    assert np.mean(inside) > 0.8


def test_a_version_without_the_table_or_without_the_window_has_none() -> None:
    assert calibration(None, "1") is None
    assert calibration("days,foreseen,happened,pairs\n7,0.1,0.1,10\n", "1") is None

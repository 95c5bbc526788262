"""What a log says of itself: right propensities pass, wrong ones do not, and small samples are called small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.off_policy.base import Evidence
from models.off_policy.diagnostics import (
    calibration,
    clipped_share,
    effective_sample,
    free_truth,
    lost_mass,
    sample_ratio,
    weights,
)
from models.off_policy.intervals import Clusters
from tests.models.off_policy.world import floored, shop


def test_logged_propensities_that_were_used_are_calibrated_and_others_are_not():
    chances = [calibration(*_log(seed)).pvalue for seed in range(60)]
    assert 0 <= sum(chance < 0.05 for chance in chances) <= 9
    assert min(chances) > 1e-5
    log, logging = _log(99)
    told = 0.7 * logging + 0.3 / 9
    wrong = type(log)(**{**log.__dict__, "propensities": told[log.chosen]})
    assert calibration(wrong, told).pvalue < 1e-3


def _log(seed):
    _, logging, log = shop(np.random.default_rng(seed), 1_000)
    return log, logging


def test_propensities_that_are_not_those_of_the_rows_are_never_calibrated():
    log, logging = _log(1)
    assert calibration(log, np.full(len(logging), 1 / 9)).pvalue == 0.0


def test_the_mean_weight_is_one_unless_the_log_lacks_what_the_policy_does():
    values, _, log = shop(np.random.default_rng(2), 4_000)
    target = floored(values, log.eligible)
    found = weights(Evidence(log, target))
    assert found.mean.low <= 1 <= found.mean.high
    assert 1 <= found.effective <= 4_000
    halved = type(log)(**{**log.__dict__, "propensities": np.minimum(1.0, 2 * log.propensities)})
    assert weights(Evidence(halved, target)).mean.high < 1


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=50), st.floats(0.1, 100))
def test_effective_samples_and_clipped_mass_stay_within_their_ends(found, clip):
    array = np.array(found)
    assert 1 - 1e-9 <= effective_sample(array) <= len(array) + 1e-9
    assert effective_sample(array * 3) == pytest.approx(effective_sample(array))
    assert 0 <= lost_mass(array, clip) < 1
    assert (lost_mass(array, clip) > 0) == (clipped_share(array, clip) > 0)


def test_groups_of_other_sizes_than_planned_are_no_chance():
    assert sample_ratio(np.array([5_010, 4_990]), np.array([0.5, 0.5])) > 0.5
    assert sample_ratio(np.array([5_500, 4_500]), np.array([0.5, 0.5])) < 1e-6
    with pytest.raises(ValueError, match="share"):
        sample_ratio(np.array([1, 2]), np.array([1.0]))


def test_an_estimate_is_held_against_what_was_seen():
    rng = np.random.default_rng(3)
    seen = Clusters.of(rng.normal(1.0, 1.0, 2_000), np.arange(2_000))
    same = Clusters.of(rng.normal(1.0, 1.0, 2_000), np.arange(2_000))
    other = Clusters.of(rng.normal(1.3, 1.0, 2_000), np.arange(2_000))
    assert free_truth(same, seen) > 0.001
    assert free_truth(other, seen) < 1e-6

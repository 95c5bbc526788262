"""Asking a policy, and seeing that what it answers are probabilities."""

import numpy as np

from models.arrays import Floats
from models.policies.base import FittedPolicy
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible

_TOLERANCE = 1e-6


def asked(model: FittedPolicy, contexts: Contexts, eligible: Eligible) -> Floats:
    """The probability of each row of `eligible`. Raises ValueError where what the policy answers are none."""
    told = model.probabilities(contexts, eligible)
    if told.shape != (len(eligible.codes),) or not np.isfinite(told).all() or (told < 0).any():
        raise ValueError(f"{model.name} answers with what are no probabilities")
    if (np.abs(eligible.total(told) - 1) > _TOLERANCE).any():
        raise ValueError(f"{model.name} answers with probabilities that do not sum to 1")
    return told

"""The floor below every probability: what keeps a policy learning, and its log worth evaluating."""

import numpy as np

from models.arrays import Floats
from models.policies.eligible import Eligible


def floored(greedy: Floats, eligible: Eligible, uniform_share: float = 0.05, silence: float = 0.03) -> Floats:
    """`(1 - uniform_share) * greedy + uniform_share * uniform`, with at least `silence` on silence if it is eligible.

    `greedy` holds probabilities that sum to 1 for each decision; so does the result. Every eligible action keeps at
    least `uniform_share * (1 - silence) / actions`.

    >>> choices = Eligible.of([[({}, {}), ({"channel": "email"}, {}), ({"channel": "sms"}, {})]])
    >>> floored(np.array([0.0, 1.0, 0.0]), choices).round(4).tolist()
    [0.03, 0.9536, 0.0164]
    """
    mixed = (1 - uniform_share) * greedy + uniform_share / np.repeat(eligible.counts, eligible.counts)
    silent = eligible.silent
    of_silence = eligible.total(np.where(silent, mixed, 0.0))
    lacking = (of_silence > 0) & (of_silence < silence) & (of_silence < 1)
    raised = np.where(lacking, silence / np.where(lacking, of_silence, 1.0), 1.0)
    lowered = np.where(lacking, (1 - silence) / np.where(lacking, 1 - of_silence, 1.0), 1.0)
    return mixed * np.where(silent, raised[eligible.decisions], lowered[eligible.decisions])

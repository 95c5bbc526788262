"""What may be chosen, in the arrays that a policy is asked with."""

from collections.abc import Sequence

from features.decisions import Option
from features.options import columns
from models.policies.eligible import Eligible


def as_eligible(decisions: Sequence[Sequence[Option]]) -> Eligible:
    """The options of n decisions, each with silence among them.

    >>> as_eligible([[Option(0.0), Option(0.0, "email", delay="24h")]]).silent.tolist()
    [True, False]
    """
    return Eligible.of_columns(*columns(decisions))

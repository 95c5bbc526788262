"""Who decides for a person: the policy, chance, the shop's rule, or nobody. Once assigned, it stays.

The arm is a salted hash of the merged customer id, and the earliest recorded arm of a person wins over it: whoever was
a visitor first and logged in later keeps the arm that the visitor had, whatever the hash of the new id says.
"""

import hashlib
from collections.abc import Sequence

from serving.decisions.bank import Groups
from serving.decisions.past import Past
from serving.decisions.schemas import ArmName


def share_of(customer_id: str, salt: str) -> float:
    """A number in [0, 1), spread evenly over customers and independent between salts.

    >>> share_of("u1", "a") == share_of("u1", "a") != share_of("u1", "b")
    True
    """
    digest = hashlib.blake2b(customer_id.encode(), digest_size=8, key=hashlib.sha256(salt.encode()).digest()).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def drawn_arm(customer_id: str, groups: Groups) -> ArmName:
    """The arm of somebody of whom no decision is recorded.

    Each group grows from its own end, so that changing the share of one moves nobody between the others.

    >>> drawn_arm("u1", Groups(random=0.0, baseline=0.0, holdout=1.0))
    'holdout'
    """
    at = share_of(customer_id, groups.salt)
    if at < groups.holdout:
        return "holdout"
    if at >= 1 - groups.random:
        return "random"
    if at < groups.holdout + groups.baseline:
        return "baseline"
    return "policy"


def arm_of(customer_id: str, groups: Groups, past: Sequence[Past]) -> ArmName:
    """The arm of a person with these decisions at one decision point, oldest first."""
    return past[0].head.arm if past else drawn_arm(customer_id, groups)


def unit_of(customer_id: str, past: Sequence[Past]) -> str:
    """The id that other draws of a person hash: that of the earliest decision, so that they survive login too."""
    return past[0].head.customer_id if past else customer_id

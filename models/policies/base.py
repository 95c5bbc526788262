"""What a policy is: fitted on logged decisions, asked for probabilities, never for an action. Read this page first.

`choose` is written once: it draws from the probabilities and returns the action together with its propensity, so that
no decision exists without one. Everything else in this folder is a variation on the two Protocols below, or what they
speak in: `contexts.py`, `eligible.py`, `logged.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible, Starts
from models.policies.logged import LoggedDecisions


class FittedPolicy(Protocol):
    """Holds arrays and answers; frozen, so it can be shared by threads.

    Laws, which the contract suite states for every member: the probabilities of a decision sum to 1 within 1e-9 and
    are never negative; a batch answers as its decisions one by one; the order of a decision's actions changes nothing;
    names of contexts and labels of actions that it never saw get an answer; nothing depends on a clock or a hidden
    generator; saving and loading changes nothing; no customer is stored.
    """

    @property
    def name(self) -> str:
        """What it is called in answers and tables, e.g. `factored`."""
        ...

    def probabilities(self, contexts: Contexts, eligible: Eligible) -> Floats:
        """The probability of each row of `eligible`: after masking, floors included."""
        ...

    def updated(self, log: LoggedDecisions) -> "FittedPolicy":
        """The policy after it has also learned from `log`, whose decisions it has not seen before."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was fitted, by name, for `npz`."""
        ...


class Policy(Protocol):
    """A recipe: a frozen dataclass of hyper-parameters, whose defaults are tuned ones."""

    name: ClassVar[str]

    def fit(self, log: LoggedDecisions | None = None) -> FittedPolicy:
        """The policy that knows nothing but its prior, or has learned from `log`."""
        ...

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedPolicy:
        """The fitted policy whose `arrays()` were saved."""
        ...


@dataclass(frozen=True)
class Choice:
    """What was drawn for n decisions: rows of their `Eligible`, and with which probability."""

    rows: Starts
    propensities: Floats


def variates(decision_ids: Sequence[str]) -> Floats:
    """A number in [0, 1) for each id, the same for ever: whoever has the log can draw again and get the same bytes.

    >>> variates(["dec_1"]) == variates(["dec_1"])
    array([ True])
    """
    digests = (hashlib.blake2b(id_.encode(), digest_size=8, person=b"kairos-choose").digest() for id_ in decision_ids)
    return np.array([int.from_bytes(digest, "big") >> 11 for digest in digests], np.float64) / 2**53


def choose(probabilities: Floats, eligible: Eligible, at: Floats) -> Choice:
    """Draw one action for each decision, where `at` (in [0, 1), one a decision) falls among its probabilities.

    >>> actions = Eligible.of([[({}, {}), ({"channel": "email"}, {})]])
    >>> choose(np.array([0.4, 0.6]), actions, np.array([0.5]))
    Choice(rows=array([1]), propensities=array([0.6]))
    """
    wide = eligible.padded(probabilities)
    beyond = (np.cumsum(wide, axis=1) <= at[:, None]).sum(axis=1)
    last = wide.shape[1] - 1 - np.argmax(wide[:, ::-1] > 0, axis=1)  # rounding may leave the sum a hair below 1
    rows = eligible.starts[:-1] + np.minimum(beyond, last)
    return Choice(rows, probabilities[rows])

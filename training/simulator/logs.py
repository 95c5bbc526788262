"""Logs of made shops put together."""

from collections.abc import Sequence

import numpy as np

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions


def joined(logs: Sequence[LoggedDecisions]) -> LoggedDecisions:
    """`logs` of one shop after each other; they name the same contexts and labels, and number customers and episodes
    throughout."""
    first = logs[0]
    if any(log.contexts.names != first.contexts.names or log.eligible.labels != first.eligible.labels for log in logs):
        raise ValueError("the logs name other contexts or labels; join those of one menu")
    rows = np.cumsum([0, *(len(log.eligible.codes) for log in logs)])[:-1]
    starts = [log.eligible.starts[:-1] + row for log, row in zip(logs, rows, strict=True)]
    eligible = Eligible(
        np.append(np.concatenate(starts), sum(len(log.eligible.codes) for log in logs)),
        first.eligible.labels,
        np.concatenate([log.eligible.codes for log in logs]),
        np.concatenate([log.eligible.numbers for log in logs]),
    )
    return LoggedDecisions(
        Contexts(first.contexts.names, np.concatenate([log.contexts.values for log in logs])),
        eligible,
        np.concatenate([log.chosen + row for log, row in zip(logs, rows, strict=True)]),
        np.concatenate([log.propensities for log in logs]),
        np.concatenate([log.rewards for log in logs]),
        np.concatenate([log.matured for log in logs]),
        np.concatenate([log.customers for log in logs]),
        np.concatenate([log.episodes for log in logs]),
        np.concatenate([log.steps for log in logs]),
        np.concatenate([log.at for log in logs]),
    )

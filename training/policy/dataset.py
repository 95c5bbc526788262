"""What was decided at some points and what came of it, joined: what policies learn from and are judged on.

The join reads the two logs and nothing else, so it may be made anew at any moment: what counts follows from what stands
in them and from `as_of`, and nothing can count twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from features.identity import Identities
from features.log import Log
from features.outcomes import Outcome, outcomes
from models.arrays import Floats, Ids, Mask
from models.policies.eligible import Starts
from models.policies.logged import LoggedDecisions
from models.published import CANARY
from training.policy.journal import BASELINE, POLICY, RANDOM, RULE, Journal, gathered
from training.policy.rewards import LEFT_OUT, Rewards, rewards


@dataclass(frozen=True)
class Logs:
    """Where everything stands; what counts for a policy is about real customers alone where `made` ones do not."""

    events: Log
    decisions: Log
    identities: Identities
    made: bool = True


@dataclass(frozen=True)
class History:
    """The decisions of `journal` and what they were worth as of a moment, when the event log was `events` long."""

    journal: Journal
    outcomes: tuple[Outcome, ...]
    rewards: Rewards
    as_of: datetime
    events: int

    def __len__(self) -> int:
        return len(self.journal)

    @cached_property
    def arms(self) -> Ids:
        """Who decided."""
        return self.journal.texts("arm")

    @cached_property
    def teaches(self) -> Mask:
        """What a policy may learn from."""
        teaches: Mask = (self.rewards.left_out == "") & np.isin(self.arms, [POLICY, RANDOM, BASELINE])
        return teaches

    @cached_property
    def judges(self) -> Mask:
        """What a policy may be judged on: drawn at random, of which it is certain what came of it."""
        drawn = np.isin(self.arms, [POLICY, RANDOM]) & (self.journal.texts("policy") != RULE)
        judges: Mask = self.teaches & drawn & ~self.rewards.ambiguous
        return judges

    @cached_property
    def by_champion(self) -> Mask:
        """Of these, what whoever was live drew and what cannot change any more: what a candidate is compared with."""
        champions = (self.arms == POLICY) & (self.journal.texts("policy_alias") != CANARY)
        by_champion: Mask = self.judges & champions & self.rewards.settled
        return by_champion

    @cached_property
    def settled(self) -> int:
        """How many decisions, from the first one on, cannot change any more."""
        open_ = np.flatnonzero(~self.rewards.settled)
        return int(open_[0]) if len(open_) else len(self)

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many decisions teach nothing (yet), by reason."""
        return {reason: int((self.rewards.left_out == reason).sum()) for reason in LEFT_OUT}

    def log(self, which: Mask, own: bool = False) -> LoggedDecisions:
        """Some of the decisions, all of which have a reward, as policies take them.

        With `own` the reward of each is its own part, for who adds up those of an episode.
        """
        rows = np.flatnonzero(which)
        known, rewards_ = self.journal, self.rewards
        eligible = known.eligible.take(rows)
        return LoggedDecisions(
            contexts=known.contexts.take(rows),
            eligible=eligible,
            chosen=known.chosen[rows] - known.eligible.starts[:-1][rows] + eligible.starts[:-1],
            propensities=np.array([known.decided[row].propensity for row in rows], np.float64),
            rewards=(rewards_.own if own else rewards_.values)[rows],
            matured=rewards_.matured[rows],
            customers=known.customers[rows],
            episodes=known.episodes[rows],
            steps=np.array([known.decided[row].step for row in rows], np.int64),
            at=known.at[rows],
        )

    def logging(self, which: Mask) -> Floats:
        """The probabilities that all actions of these decisions had, one a row of their `log(which).eligible`."""
        return self.journal.logging[which[self.journal.eligible.decisions]]

    def positions(self, which: Mask) -> Starts:
        """Where these decisions stand in the log."""
        return self.journal.positions[which]


def history(logs: Logs, points: Collection[str], as_of: datetime, after: int = 0, upto: int | None = None) -> History:
    """Everything that was decided at `points`, behind position `after` of the decision log, as it looks at `as_of`.

    >>> from features.database import open_database
    >>> from features.log import DECISIONS, EVENTS
    >>> engine = open_database("sqlite://")
    >>> logs = Logs(Log(engine, EVENTS), Log(engine, DECISIONS), Identities(engine))
    >>> len(history(logs, ["cart_recovery"], datetime.fromisoformat("2026-11-21T00:00:00Z")))
    0
    """
    length = logs.events.last_position()
    records, found = gathered(logs.decisions, points, logs.identities.table(), after, upto, logs.made)
    came = outcomes(logs.events, logs.decisions, logs.identities, records, as_of)
    return History(found, tuple(came), rewards(found, came, as_of), as_of, length)

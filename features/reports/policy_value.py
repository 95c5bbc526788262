"""What the live policy earns beside the shop's rule and chance, on the newest decisions of one decision point."""

from dataclasses import dataclass
from datetime import date, datetime

from features.reports.finding import Finding
from features.reports.interval import Interval


@dataclass(frozen=True)
class Estimated:
    """What one estimator says of an alternative: its value a decision, and by how much the live policy is above it."""

    estimator: str
    value: Interval
    policy_above: Interval


@dataclass(frozen=True)
class Alternative:
    """A policy that might have decided instead: the shop's `rule`, or chance (`random`).

    `estimates` begins with the one that counts. `effective` is how many decisions of the alternative's own the log is
    worth, `largest` its largest importance weight, `clip` where weights are cut, `clipped` the share of decisions whose
    weight is. `own` is what the customers really brought for whom it decided, with how many decisions: it was not used
    for the estimates, and should agree with them.
    """

    name: str
    estimates: tuple[Estimated, ...]
    share: Interval | None
    effective: float
    largest: float
    mean_weight: Interval
    clip: float | None
    clipped: float
    own: Interval | None
    own_decisions: int


@dataclass(frozen=True)
class Live:
    """What the live policy earned a decision, 95 % interval by customers, in `decisions` that it made at random enough
    to be compared; `explored` is the share of them that was tried for the sake of learning."""

    decisions: int
    customers: int
    value: Interval
    explored: float
    propensities: float | None


@dataclass(frozen=True)
class Taken:
    """How often one label of a factor was chosen: "channel", "delay", "argument", "incentive" or "silence"."""

    factor: str
    label: str
    decisions: int


@dataclass(frozen=True)
class Week:
    """What was decided in the week that `begins` on a Monday (UTC), the holdout left out."""

    begins: date
    decisions: int
    explored: int
    taken: tuple[Taken, ...]


@dataclass(frozen=True)
class Refused:
    """In how many decisions a rule took something away, and in how many of these nothing could be sent any more."""

    reason: str
    decisions: int
    silenced: int


@dataclass(frozen=True)
class Harms:
    """What the messages cost. `sent` are those that went out, `left` and `angered` the customers' answers; `cost` is
    what sending took, `discounts` what was given away, both in the report's currency."""

    sent: int
    left: int
    angered: int
    cost: float
    discounts: float


@dataclass(frozen=True)
class Provable:
    """The least uplift a decision that a month of such traffic shows in `chance` of all cases, and as a share."""

    decisions: int
    uplift: float
    share: float | None
    chance: float


@dataclass(frozen=True)
class GateVerdict:
    """What the gate said last of a version of the policy: passed, refused, pending or same policy, and why.

    The `findings` are the words as codes with their figures; empty of versions from before there were codes.
    """

    version: str
    created_at: datetime
    gate: str
    words: str
    champion: str | None
    canary: str | None
    canary_words: str | None
    findings: tuple[Finding, ...] = ()
    canary_findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class PolicyValue:
    """The newest decisions at `decision_point`, at most `limit`; `limited` says that there are older ones.

    `decisions` are those that were looked at, from `since` on; `left_out` is how many of them teach nothing (yet), by
    reason. `alternatives` are empty, and `live` is None, while there is too little to compare.
    """

    as_of: datetime
    computed_at: datetime
    decision_point: str
    policy: str
    version: str | None
    currency: str | None
    since: datetime | None
    decisions: int
    limit: int
    limited: bool
    left_out: dict[str, int]
    live: Live | None
    alternatives: tuple[Alternative, ...]
    weeks: tuple[Week, ...]
    refused: tuple[Refused, ...]
    harms: Harms
    provable: Provable | None
    verdicts: tuple[GateVerdict, ...]
    simulated: int = 0

    def against(self, name: str) -> Alternative | None:
        """What it is compared with; None while there is too little."""
        return next((one for one in self.alternatives if one.name == name), None)

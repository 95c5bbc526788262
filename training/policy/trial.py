"""The canary in the registry: what its comparison says is written on the version, and moves the aliases.

`canary.py` compares; here it is found whose customers are whose, and what follows from the answer.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from features.log import microseconds
from features.reports.finding import to_text
from models.arrays import Mask
from models.line import line_of
from models.published import CANARY, CHAMPION, Version
from models.registry import Registry
from training.policy.canary import Canary, Comparison
from training.policy.dataset import History
from training.policy.journal import POLICY

Said = Literal["better", "worse", "open"]
_SAID: dict[str, Said] = {"promote": "better", "roll back": "worse", "go on": "open"}


@dataclass(frozen=True)
class Trial:
    """What the comparison of a canary says, and which version that was."""

    version: Version
    compared: Comparison

    @property
    def outcome(self) -> Said:
        """In a word."""
        return _SAID[self.compared.outcome]


def watch(name: str, registry: Registry, seen: History, share: float, as_of: datetime) -> Trial | None:
    """Look at the canary of `name`, which a `share` of the customers gets: promote it where it is better, end it where
    it is worse, write down what was seen.

    None when there is no canary, or nothing that it is compared with.
    """
    version, live = registry.alias(name, CANARY), registry.alias(name, CHAMPION)
    if version is None or live is None:
        return None
    if line_of(live) == version.number:  # promoted by a run that was killed before it was done
        registry.dismiss(name, "learn", "it is the champion", as_of)
        return None
    found = Trial(version, compared(seen, version, share, as_of))
    words = found.compared.words
    told = {"canary": found.outcome, "canary.words": words, "canary.champion": line_of(live)}
    registry.tag(version, told | {"canary.findings": to_text([found.compared.finding])})
    with registry.moving(name):
        carry = (registry.alias(name, alias) for alias in (CANARY, CHAMPION))
        if [one and one.number for one in carry] != [version.number, live.number]:
            return found  # somebody moved them while it was compared: the next run compares what is tried then
        if found.outcome == "better":
            registry.promote(version, "learn", words, as_of)
        elif found.outcome == "worse":
            registry.dismiss(name, "learn", words, as_of)
    return found


def compared(seen: History, version: Version, share: float, as_of: datetime) -> Comparison:
    """The comparison of `version` since its first decision.

    Everybody counts in the group that they were drawn into, whatever was sent, with each order once, though two carts
    of theirs may have been left shortly before it; a reward of which nothing is known yet waits for its window.
    """
    among, on_trial = groups_of(seen, version.number)
    rewards = replace(seen.rewards, own=np.nan_to_num(seen.rewards.once))
    log = replace(seen, rewards=rewards).log(among, own=True)
    return Canary(share).judge(log, on_trial[among], microseconds(as_of) / 86_400e6)


def groups_of(seen: History, number: str) -> tuple[Mask, Mask]:
    """The decisions that count since version `number` began, and whose customers were given it.

    A decision that nobody made, for want of a policy or of features, counts for none.
    """
    by_canary = (seen.journal.texts("policy_version") == number) & (seen.arms == POLICY)
    on_trial: Mask = np.isin(seen.journal.customers, seen.journal.customers[by_canary])
    if not by_canary.any():
        return by_canary, on_trial
    since = seen.journal.positions >= seen.journal.positions[by_canary].min()
    learnable = np.array([one.learnable for one in seen.journal.decided], bool)
    return since & learnable & (seen.arms == POLICY), on_trial

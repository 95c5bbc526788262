"""From what may be chosen to what is chosen: probabilities of many decisions at once, and a draw from each's own id."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from features.decisions import Option
from features.options import columns
from models.arrays import Floats
from models.policies.base import FittedPolicy, choose, variates
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from serving.decisions.asking import asked
from serving.decisions.bank import DecisionPoint
from serving.decisions.deciders import Decider, fallback
from serving.decisions.schemas import ArmName

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """One decision before it is drawn. `options` begin with silence; none of them has a probability yet."""

    decision_id: str
    point: DecisionPoint
    arm: ArmName
    decider: Decider
    context: Mapping[str, float]
    options: tuple[Option, ...]
    most_messages: int


@dataclass(frozen=True)
class Drawn:
    """What was drawn: `chosen` is a place in the options, `would_choose` what the policy in the shadow would take.

    `decider` is who really decided, as a policy may have failed.
    """

    decider: Decider
    probabilities: Floats
    chosen: int
    would_choose: int | None = None


def draw(drafts: Sequence[Draft]) -> list[Drawn]:
    """One choice a draft. Those that share a policy are asked about together, each gets what it would get alone.

    A policy that raises, or answers with what are no probabilities, is replaced by the shop's rule.
    """
    at = variates([draft.decision_id for draft in drafts])
    groups: defaultdict[int, list[int]] = defaultdict(list)
    shadows: defaultdict[int, list[int]] = defaultdict(list)
    for place, draft in enumerate(drafts):
        groups[id(draft.decider.model)].append(place)
        if draft.decider.shadow is not None:
            shadows[id(draft.decider.shadow)].append(place)
    found: dict[int, Drawn] = {}
    for places in groups.values():
        own = [drafts[place] for place in places]
        found |= zip(places, _drawn(own, at[places]), strict=True)
    for places in shadows.values():
        own = [drafts[place] for place in places]
        would = _would_choose(own, at[places])
        found |= {place: replace(found[place], would_choose=one) for place, one in zip(places, would, strict=True)}
    return [found[place] for place in range(len(drafts))]


def told_of(
    model: FittedPolicy, contexts: Sequence[Mapping[str, float]], options: Sequence[Sequence[Option]]
) -> tuple[Eligible, Floats]:
    """The options of some decisions, and the probability of each. Raises ValueError where they are none."""
    eligible = Eligible.of_columns(*columns(options))
    return eligible, asked(model, Contexts.of(contexts), eligible)


def _drawn(drafts: Sequence[Draft], at: Floats) -> list[Drawn]:
    """The draws of drafts that share a decider's policy. Where it fails at some, it is asked about each alone."""
    try:
        return _choices(drafts, [draft.decider for draft in drafts], at)
    except Exception as error:  # whatever a policy raises, the shop's rule can still answer
        log.error("%s failed with %s at %d decisions", drafts[0].decider.name, type(error).__name__, len(drafts))
    if len(drafts) > 1:
        return [one for place in range(len(drafts)) for one in _drawn(drafts[place : place + 1], at[place : place + 1])]
    return _choices(drafts, [fallback(drafts[0].point, drafts[0].arm)], at)


def _choices(drafts: Sequence[Draft], deciders: Sequence[Decider], at: Floats) -> list[Drawn]:
    eligible, told = told_of(deciders[0].model, [one.context for one in drafts], [one.options for one in drafts])
    rows = choose(told, eligible, at).rows
    starts = eligible.starts
    return [
        Drawn(decider, told[starts[place] : starts[place + 1]], int(rows[place] - starts[place]))
        for place, decider in enumerate(deciders)
    ]


def _would_choose(drafts: Sequence[Draft], at: Floats) -> list[int | None]:
    """What the policy in the shadow would take, by the same draw; None where it fails."""
    shadow = drafts[0].decider.shadow
    if shadow is None:
        return [None for _ in drafts]
    try:
        deciders = [replace(draft.decider, model=shadow) for draft in drafts]
        return [one.chosen for one in _choices(drafts, deciders, at)]
    except Exception as error:  # nobody waits for what it would do
        log.error("the policy in the shadow of %s failed with %s", drafts[0].point.name, type(error).__name__)
    if len(drafts) == 1:
        return [None]
    return [
        one for place in range(len(drafts)) for one in _would_choose(drafts[place : place + 1], at[place : place + 1])
    ]

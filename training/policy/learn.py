"""Keep what is live current: the champion learns from what has matured since, and remains the same policy.

A state is a function of a version that stands for itself, the base, and of the logs behind the position that it
carries: each run computes it anew from there. So an outcome that came late corrects what was learned, nothing counts
twice, and a run that was killed at any moment is made good by the next. Once enough behind the base is settled, the
older half of it becomes part of a new base.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from features.reports.finding import Finding, to_text
from models.arrays import Mask
from models.evidence import Evidence
from models.line import BASE, DIGEST, LEARNED_FROM, LINE, base_of, line_of, position
from models.policies.base import FittedPolicy, Policy
from models.published import CHAMPION, Published, Version
from models.registry import Registry
from training.policy.dataset import History
from training.policy.train import adds_up, evidence

FOLD = 5_000
"""Settled decisions that stay in front of the base, so that the law of delays is known; twice as many, and it moves."""

Read = Callable[[int], History]
"""The history behind a position of the decision log, as of the moment of the run."""


@dataclass(frozen=True)
class Learned:
    """What one run did: which version was live, which is, and from how many decisions behind the base it knows more.

    `words` say why nothing moved, where nothing did.
    """

    was: Version | None
    live: Version | None
    decisions: int
    matured: int
    words: str

    @property
    def moved(self) -> bool:
        """Whether another version is live now."""
        return self.was is not None and self.live is not None and self.was.number != self.live.number


def learn(name: str, read: Read, registry: Registry, frozen: bool = False, fold: int = FOLD) -> Learned:
    """Bring the champion of `name` up to what is known now, and let it go live; not where the policy is `frozen`."""
    live = registry.alias(name, CHAMPION)
    if live is None:
        return Learned(None, None, 0, 0, f"{name} has no champion; run `python -m pipelines train policy {name}`")
    if frozen:
        return Learned(live, live, 0, 0, "frozen by the mode of its decision points")
    base = registry.load(registry.version(name, base_of(live)))
    seen = read(position(base.version))
    if _settled(seen) >= 2 * fold:
        base = _folded(registry, live, base, seen, fold)
        seen = read(position(base.version))
    log = seen.log(seen.teaches, adds_up(base.recipe))
    matured = int(log.matured.sum())
    if not matured:
        if base_of(live) == base.version.number:
            return Learned(live, live, len(log), 0, "nothing has matured since")
        return Learned(live, registry.succeed(base.version, live), len(log), 0, "")
    told = evidence(name, base.recipe, seen, log, position(base.version))
    if live.tags.get(DIGEST) == told.tags[DIGEST] and base_of(live) == base.version.number:
        return Learned(live, live, len(log), matured, "nothing has matured since")
    tags = {BASE: base.version.number, LEARNED_FROM: live.number}
    version = _heir(registry, live, base.recipe, told, tags, lambda: base.model.updated(log))
    return Learned(live, registry.succeed(version, live), len(log), matured, "")


def _settled(seen: History) -> int:
    """How many of the settled decisions teach something."""
    return int(seen.teaches[: seen.settled].sum())


def _folded(
    registry: Registry, live: Version, base: Published[Policy, FittedPolicy], seen: History, fold: int
) -> Published[Policy, FittedPolicy]:
    """A base that has learned all settled decisions but the latest `fold`."""
    keep = np.flatnonzero(seen.teaches[: seen.settled])[-fold]
    older: Mask = np.arange(len(seen)) < keep
    log = seen.log(older & seen.teaches, adds_up(base.recipe))
    upto = int(seen.journal.positions[keep - 1])
    told = evidence(live.name, base.recipe, seen, log, upto)
    model = base.model.updated(log)
    version = _heir(registry, live, base.recipe, told, {LEARNED_FROM: base.version.number}, lambda: model)
    return Published(version, base.recipe, model, ())


def _heir(
    registry: Registry,
    live: Version,
    recipe: Policy,
    told: Evidence,
    more: Mapping[str, str],
    model: Callable[[], FittedPolicy],
) -> Version:
    """What `live` has become, as a version: the one that a run which did not come to its end has left behind, or a new
    one with `more` tags."""
    words = f"what {live.number} has become by learning"
    said = to_text([Finding.of("same_policy", version=live.number)])
    gate = {"gate": "same policy", "gate.words": words, "gate.findings": said}
    tags = {**told.tags, LINE: line_of(live), **gate, **more}
    same = (LINE, BASE, DIGEST)
    wanted = [tags.get(tag) for tag in same]
    for version in registry.versions(live.name):
        if [version.tags.get(tag) for tag in same] == wanted:
            return registry.tag(version, tags)
    return registry.publish(live.name, recipe, model(), (), replace(told, tags=tags), None)

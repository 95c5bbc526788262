"""Pruning takes what nothing leads to, and nothing else: every alias, rollback and base still works after it."""

from datetime import timedelta
from pathlib import Path

import pytest

from models.evidence import Evidence, Snapshot
from models.line import BASE, LEARNED_FROM
from models.policies.uniform import Uniform
from models.published import CANARY, CHAMPION, Version
from models.registry import Registry
from tests.training.policy.planted import MODEL, START
from training.policy.prune import prune


def published(registry: Registry, **tags: str) -> Version:
    """A version that was trained, or learned further where its tags say so."""
    evidence = Evidence({}, {}, Snapshot("test", "digest", START, START, 1, 1, 1), tags=tags)
    return registry.publish(MODEL, Uniform(), Uniform().fit(), (), evidence, None)


def state(registry: Registry, live: Version, base: Version) -> Version:
    """What `live` has become, which goes live."""
    return registry.succeed(published(registry, **{LEARNED_FROM: live.number, BASE: base.number}), live)


def numbers(registry: Registry) -> list[str]:
    """The versions that are left."""
    return sorted((version.number for version in registry.versions(MODEL)), key=int)


def test_what_is_live_leads_back_to_or_rests_on_stays_and_its_files_too(registry: Registry, tmp_path: Path) -> None:
    first = registry.promote(published(registry), "ann", "the first", START)  # 1
    base = state(registry, first, first)  # 2
    live = state(registry, state(registry, base, base), base)  # 3 and 4
    other = registry.promote(published(registry), "ann", "better", START + timedelta(days=1))  # 5
    state(registry, state(registry, other, other), other)  # 6 and 7
    before = set(tmp_path.rglob("recipe.json"))
    assert [version.number for version in prune(MODEL, registry, keep=1)] == ["6", "3"]
    assert numbers(registry) == ["1", "2", "4", "5", "7"]
    assert len(set(tmp_path.rglob("recipe.json"))) == len(before) - 2
    for version in registry.versions(MODEL):
        assert registry.load(version).model.name == "uniform"
    assert registry.rollback(MODEL, "ann", "worse", START).number == live.number
    assert prune(MODEL, registry, keep=1) == []


def test_what_carries_an_alias_is_never_deleted(registry: Registry) -> None:
    live = registry.promote(published(registry), "ann", "the first", START)
    tried = registry.admit(published(registry), "ann", "it passed", START)
    for version, alias in ((live, CHAMPION), (tried, CANARY)):
        with pytest.raises(ValueError, match=alias):
            registry.delete(version)
    with pytest.raises(ValueError, match="has to stay"):
        prune(MODEL, registry, keep=0)
    assert numbers(registry) == ["1", "2"]

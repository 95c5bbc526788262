"""Who lost the turn to move aliases moves none, and writes nothing about it on a version."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from models.evidence import Evidence, Snapshot
from models.policies.uniform import Uniform
from models.published import CANARY, CHAMPION, Version
from models.registry import Registry

NOW = datetime(2026, 1, 5, tzinfo=UTC)
NAME = "cart-policy"


class Lost(RuntimeError):
    """It is another's by now."""


class Turn:
    """One that was lost when told so."""

    lost = False

    def check(self) -> None:
        if self.lost:
            raise Lost


def publish(registry: Registry) -> Version:
    evidence = Evidence({}, {}, Snapshot("test", "digest", NOW, NOW, 1, 1, 1))
    return registry.publish(NAME, Uniform(), Uniform().fit(), (), evidence)


@pytest.mark.parametrize("act", ["promote", "succeed", "admit", "dismiss", "rollback"])
def test_who_lost_the_turn_writes_nothing_down(registry: Registry, act: str) -> None:
    turn = Turn()

    @contextmanager
    def moving(_model: str) -> Iterator[Turn]:
        yield turn

    registry = Registry(registry.uri, registry.artifacts, moving)
    first, live, trial, new = (publish(registry) for _ in range(4))
    registry.promote(first, "ann", "first", NOW)
    champion = registry.promote(live, "ann", "better", NOW)
    registry.admit(trial, "ann", "to compare", NOW)
    acts: dict[str, Callable[[], Version]] = {
        "promote": lambda: registry.promote(new, "bob", "late", NOW),
        "succeed": lambda: registry.succeed(new, champion),
        "admit": lambda: registry.admit(new, "bob", "late", NOW),
        "dismiss": lambda: registry.dismiss(NAME, "bob", "late", NOW),
        "rollback": lambda: registry.rollback(NAME, "bob", "late", NOW),
    }
    known = {version.number: version.tags for version in registry.versions(NAME)}
    turn.lost = True
    with pytest.raises(Lost), registry.moving(NAME):
        acts[act]()
    assert {version.number: version.tags for version in registry.versions(NAME)} == known
    aliases = registry.aliases(NAME)
    assert (aliases[CHAMPION], aliases[CANARY]) == (live.number, trial.number)

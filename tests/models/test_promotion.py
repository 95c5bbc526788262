"""Promotion needs a verdict, and one against what is live now; going past the gate is written down for ever."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from models.evidence import Evidence, Snapshot
from models.policies.uniform import Uniform
from models.promotion import Refused, promote
from models.published import CANARY, CHAMPION, Version
from models.recommenders.base import Interactions
from models.recommenders.popularity import Popularity
from models.registry import Registry

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DATA = Interactions(
    customers=np.zeros(1, np.int32),
    items=np.zeros(1, np.int32),
    days=np.ones(1),
    weights=np.ones(1),
    item_ids=np.array(["a"], object),
    customer_count=1,
    until=2.0,
)


def publish(registry: Registry, gate: str, champion: str = "") -> Version:
    """A version that the gate judged as told, against that champion."""
    evidence = Evidence({}, {}, Snapshot("test", "digest", NOW, NOW, 1, 1, 1))
    tags = {"gate": gate, "gate.words": "by so much", "gate.champion": champion}
    fitted = Popularity().fit(DATA)
    return registry.publish("recommender", Popularity(), fitted, (), replace(evidence, tags=tags))


def test_the_challenger_goes_live_when_the_gate_passed_it(registry: Registry) -> None:
    one = publish(registry, "passed")
    moved = promote(registry, "recommender", None, "ann", "first", NOW)
    assert (moved.live.number, moved.replaced) == (one.number, None)
    two = publish(registry, "passed", champion=one.number)
    moved = promote(registry, "recommender", two.number, "ann", "better", NOW)
    assert moved.replaced is not None
    assert (moved.live.number, moved.replaced.number) == (two.number, one.number)


def test_a_refused_version_stays_out_and_hears_why(registry: Registry) -> None:
    publish(registry, "refused")
    with pytest.raises(Refused, match=r"recommender 1 did not pass the gate \(refused\): by so much"):
        promote(registry, "recommender", None, "ann", "please", NOW)


def test_a_verdict_against_an_earlier_champion_says_nothing(registry: Registry) -> None:
    one, two = publish(registry, "passed"), publish(registry, "passed")
    promote(registry, "recommender", one.number, "ann", "first", NOW)
    with pytest.raises(Refused, match="judged against no champion, but 1 is live"):
        promote(registry, "recommender", two.number, "ann", "second", NOW)


def test_what_was_rolled_back_does_not_come_back_by_itself(registry: Registry) -> None:
    one = publish(registry, "passed")
    promote(registry, "recommender", None, "ann", "first", NOW)
    publish(registry, "passed", champion=one.number)
    promote(registry, "recommender", None, "cron", "better", NOW)
    registry.rollback("recommender", "ann", "customers complained", NOW)
    with pytest.raises(Refused, match="rolled back: customers complained"):
        promote(registry, "recommender", None, "cron", "better", NOW)


def test_past_the_gate_is_possible_and_remembered(registry: Registry) -> None:
    publish(registry, "refused")
    moved = promote(registry, "recommender", None, "ann", "the shop is new", NOW, force=True)
    assert moved.live.tags["promoted_why"] == "forced past the gate: the shop is new"


def test_nothing_to_promote(registry: Registry) -> None:
    with pytest.raises(LookupError, match="train --help"):
        promote(registry, "recommender", None, "ann", "why", NOW)


def publish_policy(registry: Registry, **tags: str) -> Version:
    """A policy with these tags; `_` stands for a dot."""
    told = {key.replace("_", "."): value for key, value in tags.items()}
    evidence = Evidence({}, {}, Snapshot("test", "digest", NOW, NOW, 1, 1, 1), tags=told)
    return registry.publish("cart-policy", Uniform(), Uniform().fit(), (), evidence)


def first_policy(registry: Registry) -> Version:
    """A champion."""
    version = registry.publish(
        "cart-policy",
        Uniform(),
        Uniform().fit(),
        (),
        Evidence({}, {}, Snapshot("test", "digest", NOW, NOW, 1, 1, 1), tags={"saw_nothing": "true"}),
    )
    return promote(registry, "cart-policy", version.number, "ann", "it does as the shop did", NOW).live


def test_the_first_policy_may_begin_only_if_it_does_as_the_shop_did(registry: Registry) -> None:
    publish_policy(registry, gate="pending")
    with pytest.raises(Refused, match=r"train policy cart-policy --fresh"):
        promote(registry, "cart-policy", None, "ann", "please", NOW)
    assert first_policy(registry).alias == CHAMPION


def test_a_policy_that_was_not_judged_does_not_even_become_the_canary(registry: Registry) -> None:
    first_policy(registry)
    publish_policy(registry, gate="pending", gate_words="nothing was decided since")
    with pytest.raises(Refused, match=r"did not pass the gate \(pending\): nothing was decided since"):
        promote(registry, "cart-policy", None, "ann", "please", NOW)
    assert registry.alias("cart-policy", CANARY) is None


def test_passing_the_gate_makes_a_canary_and_only_its_comparison_a_champion(registry: Registry) -> None:
    live = first_policy(registry)
    version = publish_policy(registry, gate="passed", gate_champion=live.number)
    moved = promote(registry, "cart-policy", None, "ann", "it passed", NOW)
    assert moved.canary is not None
    assert (moved.live.number, moved.replaced, moved.canary.number) == (live.number, None, version.number)
    with pytest.raises(Refused, match="is the canary, and its comparison is open: nothing was compared yet"):
        promote(registry, "cart-policy", None, "ann", "impatient", NOW)
    registry.tag(version, {"canary": "better", "canary.champion": live.number})
    moved = promote(registry, "cart-policy", None, "ann", "it won", NOW)
    assert (moved.live.number, moved.live.tags["promoted_why"]) == (version.number, "it won")
    assert registry.alias("cart-policy", CANARY) is None


def test_a_comparison_with_another_line_says_nothing_and_one_with_what_the_champion_has_become_does(
    registry: Registry,
) -> None:
    live = first_policy(registry)
    version = publish_policy(registry, gate="passed", gate_champion=live.number)
    promote(registry, "cart-policy", None, "ann", "it passed", NOW)
    registry.tag(version, {"canary": "better", "canary.champion": "77"})
    with pytest.raises(Refused, match="comparison is better"):
        promote(registry, "cart-policy", None, "ann", "it won", NOW)
    learned = publish_policy(registry, line=live.number)
    registry.succeed(learned, live)
    registry.tag(version, {"canary.champion": live.number})
    assert promote(registry, "cart-policy", version.number, "ann", "it won", NOW).live.number == version.number


def test_past_the_comparison_is_possible_and_remembered(registry: Registry) -> None:
    live = first_policy(registry)
    publish_policy(registry, gate="passed", gate_champion=live.number)
    promote(registry, "cart-policy", None, "ann", "it passed", NOW)
    moved = promote(registry, "cart-policy", None, "ann", "sales", NOW, force=True)
    assert moved.live.tags["promoted_why"] == "forced past the canary: sales"

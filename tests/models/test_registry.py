"""The registry: what is published comes back the same, promotion moves an alias and leaves a trace, pyfunc answers."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from models.evidence import Evidence, Snapshot
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible
from models.policies.factored import Factored
from models.policies.rule import Message, Rule
from models.published import CANARY, CHALLENGER, CHAMPION, FAMILY, PublishedReplenishment, Version
from models.recommenders.base import Interactions, Query
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.suite import Suite
from models.registry import Registry
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.replenishment import Replenishment
from tests.models.tea_shop import weekly_tea

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FEATURES = ("history_ids", "history_days", "history_weights", "log_position")


def evidence() -> Evidence:
    """The least that a run says."""
    snapshot = Snapshot("test", "digest", NOW, NOW, interactions=4, customers=2, products=3)
    tables = {"evaluation": pd.DataFrame({"model": ["popularity"], "recall": [0.5]})}
    return Evidence({"half_life": 7.0}, {"recall_at_10": 0.5}, snapshot, tables, card="# Card", tags={"gate": "passed"})


@pytest.fixture
def interactions() -> Interactions:
    """Two customers, three products."""
    return Interactions(
        customers=np.array([0, 0, 1, 1], np.int32),
        items=np.array([0, 1, 1, 2], np.int32),
        days=np.array([1.0, 2.0, 3.0, 4.0]),
        weights=np.ones(4),
        item_ids=np.array(["a", "b", "c"], object),
        customer_count=2,
        until=5.0,
    )


QUERY = Query(5.0, np.array(["a"], object), np.array([4.0]), np.ones(1))


@pytest.mark.parametrize("recipe", [Popularity(half_life=3.0), Fallback()], ids=lambda recipe: recipe.name)
def test_what_was_published_comes_back(
    registry: Registry, interactions: Interactions, recipe: Popularity | Fallback
) -> None:
    fitted = recipe.fit(interactions)
    version = registry.publish("recommender", recipe, fitted, FEATURES, evidence())
    assert registry.alias("recommender", CHALLENGER) == version
    published = registry.load(version)
    assert published.recipe == recipe
    assert published.features == FEATURES
    assert published.model.recommend([QUERY], 3).row(0) == fitted.recommend([QUERY], 3).row(0)


def test_a_run_holds_its_evidence(registry: Registry, interactions: Interactions) -> None:
    version = registry.publish("recommender", Popularity(), Popularity().fit(interactions), FEATURES, evidence())
    client = mlflow.MlflowClient(registry.uri)
    run = client.get_run(version.run_id)
    assert run.data.params == {"half_life": "7.0"}
    assert run.data.metrics == {"recall_at_10": 0.5}
    files = {file.path for file in client.list_artifacts(version.run_id)}
    assert files >= {"evaluation.csv", "features.json", "snapshot.json", "model_card.md"}


def test_promotion_and_rollback_move_the_alias_and_say_who_and_why(
    registry: Registry, interactions: Interactions
) -> None:
    recipe = Popularity()
    one, two = (
        registry.publish("recommender", recipe, recipe.fit(interactions), FEATURES, evidence()) for _ in range(2)
    )
    assert registry.alias("recommender", CHAMPION) is None
    with pytest.raises(LookupError, match="no champion"):
        registry.rollback("recommender", "ann", "why not", NOW)
    registry.promote(one, "ann", "the first", NOW)
    moved = registry.promote(two, "bob", "better", NOW)
    assert moved.tags["promoted_by"] == "bob"
    assert moved.tags["promoted_why"] == "better"
    assert moved.tags["replaces"] == one.number
    with pytest.raises(ValueError, match="champion already"):
        registry.promote(two, "bob", "again", NOW)
    assert registry.rollback("recommender", "ann", "it was worse", NOW).number == one.number
    live = registry.alias("recommender", CHAMPION)
    assert live is not None
    assert live.number == one.number
    assert registry.version("recommender", two.number).tags["rolled_back_why"] == "it was worse"
    with pytest.raises(LookupError, match="replaced nothing"):
        registry.rollback("recommender", "ann", "further", NOW)


def test_what_is_not_there_is_said(registry: Registry, interactions: Interactions) -> None:
    assert registry.alias("recommender", CHAMPION) is None
    with pytest.raises(LookupError, match="none: train one first"):
        registry.version("recommender", "7")
    registry.publish("recommender", Popularity(), Popularity().fit(interactions), FEATURES, evidence())
    assert registry.alias("recommender", "elsewhere") is None
    with pytest.raises(LookupError, match="it has 1"):
        registry.version("recommender", "7")


def test_no_pickle_and_pyfunc_answers(registry: Registry, interactions: Interactions, tmp_path: Path) -> None:
    fitted = Fallback().fit(interactions)
    version = registry.publish("recommender", Fallback(), fitted, FEATURES, evidence())
    assert not list(tmp_path.rglob("*.pkl"))
    mlflow.set_tracking_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/recommender/{version.number}")
    assert model.metadata.signature is not None
    rows = pd.DataFrame(
        {"history_ids": [["a"], []], "history_days": [[4.0], []], "history_weights": [[1.0], []], "day": [5.0, 5.0]}
    )
    answers = model.predict(rows)
    expected = fitted.recommend([QUERY, Query(5.0)], 20)
    assert answers["ids"].tolist() == [[id_ for id_, _, _ in expected.row(row)] for row in range(2)]


def test_a_suite_answers_by_its_first_member_or_by_the_one_that_is_named(
    registry: Registry, interactions: Interactions
) -> None:
    suite = Suite((Fallback(), Popularity()))
    fitted = suite.fit(interactions)
    version = registry.publish("recommender", suite, fitted, FEATURES, evidence())
    mlflow.set_tracking_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/recommender/{version.number}")
    row = {"history_ids": ["c"], "history_days": [4.0], "history_weights": [1.0], "day": 5.0}
    expected = {
        None: [
            id_
            for id_, _, _ in fitted.recommend(
                [Query(5.0, np.array(["c"], object), np.array([4.0]), np.ones(1))], 20
            ).row(0)
        ],
        "popularity": [id_ for id_, _, _ in Popularity().fit(interactions).recommend([Query(5.0)], 20).row(0)],
    }
    assert expected[None] != expected["popularity"]
    named = pd.DataFrame([{**row, "member": member} for member in ("popularity", None, "fallback", "popularity")])
    answers = model.predict(named)["ids"].tolist()
    assert answers == [expected["popularity"], expected[None], expected[None], expected["popularity"]]
    assert model.predict(pd.DataFrame([row]))["ids"].tolist() == [expected[None]]
    with pytest.raises(KeyError, match="it has fallback, popularity"):
        model.predict(pd.DataFrame([{**row, "member": "magic"}]))


def test_an_evaluation_is_kept_and_publishes_nothing(registry: Registry) -> None:
    run_id = registry.record("recommender-evaluation", "a look", evidence())
    client = mlflow.MlflowClient(registry.uri)
    run = client.get_run(run_id)
    assert (run.info.run_name, run.data.params) == ("a look", {"half_life": "7.0"})
    assert {file.path for file in client.list_artifacts(run_id)} == {"evaluation.csv", "report.md", "snapshot.json"}
    assert registry.versions("recommender") == []


def test_of_two_who_make_an_experiment_at_once_both_have_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client = registry._experiment("first of its kind"), registry._client
    found, known = client.get_experiment_by_name, iter([None])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda name: next(known, found(name)))
    assert registry._experiment("first of its kind") == made


def _interrupted_search(registry: Registry) -> str:
    with suppress(RuntimeError), registry.study("recommender-tuning", "rp3beta", {"trials": 3, "seed": 0}) as study:
        study.trial("rp3beta 0", {"alpha": 0.5}, {"score": 0.1})
        study.trial("rp3beta 1", {"alpha": 0.7}, {"score": 0.2})
        study.best({"alpha": 0.7}, {"score": 0.2})
        raise RuntimeError("power cut")
    return study.run_id


def test_a_search_keeps_each_trial_below_it_even_when_it_ends_early(registry: Registry) -> None:
    run_id = _interrupted_search(registry)
    client = mlflow.MlflowClient(registry.uri)
    parent = client.get_run(run_id)
    assert parent.data.params == {"trials": "3", "seed": "0", "best.alpha": "0.7"}
    assert parent.info.status == "FAILED"
    trials = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert {run.info.run_name: run.data.metrics["score"] for run in trials} == {"rp3beta 0": 0.1, "rp3beta 1": 0.2}


def test_a_replenishment_is_published_and_comes_back_the_same(registry: Registry) -> None:
    lines, catalogue = weekly_tea()
    recipe = Replenishment(origins=3)
    fitted = recipe.fit(lines, catalogue)
    version = registry.publish("replenishment", recipe, fitted, (), evidence())
    published: PublishedReplenishment = registry.load(version)
    assert published.recipe == recipe
    before, after = fitted.forecast(lines, lines.day), published.model.forecast(lines, lines.day)
    assert np.array_equal(before.curves, after.curves)
    assert np.array_equal(before.trips, after.trips)


def test_pyfunc_forecasts_each_customer_as_of_the_own_day(registry: Registry) -> None:
    lines, catalogue = weekly_tea()
    recipe = Replenishment(need=MeanInterval(), trips=MeanInterval(), origins=3)
    version = registry.publish("replenishment", recipe, recipe.fit(lines, catalogue), (), evidence())
    mlflow.set_tracking_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/replenishment/{version.number}")
    tea = {"product_ids": ["tea"] * 3, "days": [20_000, 20_007, 20_014], "quantities": [1.0, 2.0, 1.0]}
    nobody: dict[str, list[object]] = {"product_ids": [], "days": [], "quantities": []}
    rows = pd.DataFrame([{**tea, "day": 20_016}, {**nobody, "day": 20_016}, {**tea, "day": 20_009}])
    answers = model.predict(rows)
    assert answers["groups"].tolist() == [["pantry/tea"], [], ["pantry/tea"]]
    assert answers["due"].tolist() == [["2024-10-25"], [], ["2024-10-18"]]  # a week after 20,014 and after 20,007
    assert [answers["due_within_7"][0], answers["due_within_28"][2]] == [[1.0], [1.0]]
    alone = pd.concat([model.predict(rows.iloc[[place]].reset_index(drop=True)) for place in range(3)])
    assert alone.to_dict("list") == answers.to_dict("list")


POLICY = Factored(rule=Rule((Message("email", "24h", "reminder"),)))


def policy(registry: Registry, alias: str | None = CHALLENGER) -> Version:
    """The next version of a policy that has learned nothing."""
    return registry.publish("cart-policy", POLICY, POLICY.fit(), (), evidence(), alias)


def test_pyfunc_answers_what_the_policy_does_and_a_version_says_what_it_is(registry: Registry) -> None:
    version = policy(registry)
    assert version.tags[FAMILY] == "policy"
    mlflow.set_tracking_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/cart-policy/{version.number}")
    actions = [
        [({}, {}), ({"channel": "email", "delay": "24h", "argument": "reminder"}, {"delay_hours": 24.0})],
        [({}, {}), ({"channel": "sms", "delay": "1h"}, {"delay_hours": 1.0, "cost": 0.1}), ({"channel": "email"}, {})],
    ]
    known = [{"cart_value": 40.0, "step": 1.0}, {}]
    asked = [
        {
            "context_names": list(context),
            "context_values": list(context.values()),
            **{factor: [labels.get(factor, "") for labels, _ in offered] for factor in FACTORS},
            **{name: [given.get(name, 0.0) for _, given in offered] for name in NUMBERS},
        }
        for context, offered in zip(known, actions, strict=True)
    ]
    found = model.predict(pd.DataFrame(asked))["probabilities"].tolist()
    expected = POLICY.fit().probabilities(Contexts.of(known), Eligible.of(actions))
    assert [len(row) for row in found] == [2, 3]
    assert np.concatenate(found).tolist() == expected.tolist()


def test_what_a_policy_has_become_takes_over_and_a_rollback_still_leads_to_what_it_replaced(registry: Registry) -> None:
    old, new, learned = (policy(registry, alias) for alias in (CHALLENGER, CHALLENGER, None))
    assert registry.alias("cart-policy", CHALLENGER) == new, "what was learned is no challenger"
    registry.promote(old, "ann", "the first", NOW)
    live = registry.promote(new, "ann", "better", NOW)
    after = registry.succeed(learned, live)
    assert (after.number, after.tags["replaces"]) == (learned.number, old.number)
    assert registry.alias("cart-policy", CHAMPION) == after
    with pytest.raises(RuntimeError, match="2 is not live any more"):
        registry.succeed(learned, live)
    assert registry.rollback("cart-policy", "ann", "a mistake", NOW).number == old.number


def test_a_canary_is_admitted_dismissed_and_gone_when_it_becomes_the_champion(registry: Registry) -> None:
    one, two = policy(registry), policy(registry)
    registry.promote(one, "ann", "the first", NOW)
    with pytest.raises(LookupError, match="no canary"):
        registry.dismiss("cart-policy", "ann", "there is none", NOW)
    assert registry.admit(two, "ann", "passed", NOW).tags["admitted_why"] == "passed"
    trial = registry.alias("cart-policy", CANARY)
    assert trial is not None
    assert trial.number == two.number
    assert registry.dismiss("cart-policy", "learn", "worse", NOW).tags["dismissed_why"] == "worse"
    assert registry.alias("cart-policy", CANARY) is None
    registry.admit(two, "ann", "again", NOW)
    registry.promote(two, "learn", "better", NOW)
    assert registry.alias("cart-policy", CANARY) is None
    live = registry.alias("cart-policy", CHAMPION)
    assert live is not None
    assert live.number == two.number

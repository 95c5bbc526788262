"""Decisions over HTTP: sticky, logged with what they rest on, and refused with a reason that reaches the answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from serving.decisions.schemas import DecisionRequest
from tests.serving.decisions.world import (
    MODEL,
    POINT,
    TRIGGERED,
    ask,
    bank,
    deciding,
    live,
    logged,
    moment,
    of_arm,
    publish,
    request,
)
from tests.serving.world import NOW, Shop
from tests.waiting import until


def refused(shop: Shop, body: Any, path: str = "/v1/decisions") -> Any:
    response = shop.client.post(path, json=body)
    assert response.status_code == 422, response.text
    return response.json()


def say(shop: Shop, event: str, user_id: str, key: str, **properties: Any) -> None:
    at = shop.clock.now.isoformat()
    shop.track(event, properties, userId=user_id, messageId=f"{user_id}-{key}", timestamp=at)


def test_an_answer_is_what_the_log_holds(shared_decider: Shop) -> None:
    for number in range(20):
        answer = ask(shared_decider, f"logged-{number}", include=["alternatives", "plan"])
        kept = logged(shared_decider, answer["decision_id"])
        chosen = kept.options[kept.chosen]
        assert answer["propensity"] == kept.propensity == chosen.probability
        assert abs(sum(option.probability for option in kept.options) - 1) < 1e-9
        assert kept.options[0].channel is None
        assert answer["action"]["send"] == (chosen.channel is not None)
        assert answer["action"]["channel"] == chosen.channel
        assert (kept.customer_id, kept.trigger_id, kept.step, kept.arm) == (
            f"logged-{number}",
            "cart-1",
            1,
            answer["arm"],
        )
        assert kept.context["cart_value"] == 40.0
        assert kept.context["hours_since_trigger"] == 2.0
        assert kept.learnable == (answer["arm"] != "holdout")
        told = [option["probability"] for option in answer["alternatives"]]
        assert told == sorted(told, reverse=True)


def test_a_message_goes_between_the_bounds_and_in_the_customers_own_offset(shared_decider: Shop) -> None:
    eligible = {"earliest": "2026-11-22T09:30:00+01:00", "latest": "2026-11-23T12:00:00+01:00", "channels": ["email"]}
    sent = 0
    for number in range(10):
        answer = ask(shared_decider, f"bounded-{number}", eligible=eligible)
        if answer["action"]["send"]:
            at = moment(answer["action"]["send_at"])
            assert moment(eligible["earliest"]) <= at < moment(eligible["latest"])
            assert at.utcoffset() == timedelta(hours=1)
            assert answer["action"]["delay_seconds"] == (at - TRIGGERED).total_seconds()
            sent += 1
        assert moment(answer["valid_until"]) == moment(eligible["latest"])
    assert sent


def test_the_same_question_gets_the_same_bytes_until_it_expires(decider: Shop) -> None:
    body = request("again", include=["alternatives", "plan"])
    first = decider.client.post("/v1/decisions", json=body)
    decider.clock.now += timedelta(hours=30)
    other = {**body, "context": {"cart_value": "99.00"}, "eligible": {"channels": ["sms"]}}
    assert decider.client.post("/v1/decisions", json=body).content == first.content
    assert decider.client.post("/v1/decisions", json=other).content == first.content
    decider.clock.now = moment(first.json()["valid_until"])
    late = decider.client.post("/v1/decisions", json=body).json()
    assert late["decision_id"] != first.json()["decision_id"]
    assert (late["action"]["send"], late["action"]["reason"]) == (False, "expired")


@pytest.mark.parametrize("change", [{"trigger": "cart-2"}, {"step": 2}])
def test_another_trigger_or_step_is_another_decision(shared_decider: Shop, change: dict[str, Any]) -> None:
    first = ask(shared_decider, "steps")
    assert ask(shared_decider, "steps", **change)["decision_id"] != first["decision_id"]


def test_twenty_who_ask_at_once_get_one_decision(decider: Shop) -> None:
    body = request("crowd", include=["plan"])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: decider.client.post("/v1/decisions", json=body), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    log = decider.resources.decisions.log
    assert [record.key for record in log.read(types=("decision",))] == [answers[0].json()["decision_id"]]


def test_two_services_over_one_database_decide_once(chance_folder: Path) -> None:
    body = request("between")
    with deciding(chance_folder) as one, deciding(chance_folder) as other:
        live(one)
        live(other)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda shop: shop.client.post("/v1/decisions", json=body), [one, other] * 4))
    assert len({answer.content for answer in answers}) == 1


def test_a_decision_about_a_visitor_stands_after_login(decider: Shop) -> None:
    before = ask(decider, subject={"anonymous_id": "visitor"})
    decider.client.post("/v1/identify", json={"userId": "known", "anonymousId": "visitor", "messageId": "login"})
    assert ask(decider, "known") == before
    assert ask(decider, subject={"user_id": "known", "anonymous_id": "visitor"}) == before


def test_an_alias_joins_decisions_too(decider: Shop) -> None:
    before = ask(decider, "old-name")
    decider.client.post("/v1/alias", json={"userId": "new-name", "previousId": "old-name", "messageId": "alias"})
    assert ask(decider, "new-name") == before


def test_a_holdout_gets_nothing_and_is_logged(shared_decider: Shop) -> None:
    answer = ask(shared_decider, next(of_arm("holdout", "hold")))
    assert (answer["arm"], answer["action"]["send"], answer["action"]["reason"]) == ("holdout", False, "holdout")
    kept = logged(shared_decider, answer["decision_id"])
    assert (kept.learnable, kept.propensity, len(kept.options) > 1) == (False, 1.0, True)


def test_the_random_arm_is_even(shared_decider: Shop) -> None:
    answer = ask(shared_decider, next(of_arm("random", "even")))
    kept = logged(shared_decider, answer["decision_id"])
    assert (answer["policy"]["name"], kept.learnable) == ("uniform", True)
    assert max(option.probability for option in kept.options) == pytest.approx(1 / len(kept.options), rel=0.02)


def test_without_a_policy_the_shops_rule_decides_and_nothing_is_learned(bare_folder: Path) -> None:
    with deciding(bare_folder) as shop:
        answer = ask(shop, next(of_arm("policy", "bare")))
        kept = logged(shop, answer["decision_id"])
    assert (answer["degraded"], answer["degraded_reason"]) == (True, "policy_unavailable")
    assert (answer["policy"]["name"], answer["propensity"]) == ("rule", 1.0)
    assert (answer["action"]["channel"], answer["action"]["argument"]) == ("email", "reminder")
    assert not kept.learnable


def test_the_rule_sends_its_series_step_by_step(bare_folder: Path) -> None:
    user = next(of_arm("policy", "series"))
    with deciding(bare_folder) as shop:
        steps = [ask(shop, user, step=step, include=["plan"]) for step in (1, 2, 3)]
        kept = [logged(shop, step["decision_id"]) for step in steps]
    assert [one.options[one.chosen].delay for one in kept] == ["24h", "72h", ""]
    assert [step["action"]["send"] for step in steps] == [True, True, False]
    assert [message["n"] for message in steps[0]["plan"]] == [1, 2]
    assert steps[0]["action"]["messages_planned"] == 2
    assert moment(steps[0]["plan"][1]["not_before"]) == moment(steps[1]["action"]["send_at"])


def test_features_that_cannot_be_read_degrade_to_the_rule(decider: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decider.resources.visitors, "features_exist", lambda: True)
    monkeypatch.setattr(
        decider.resources.visitors, "rows_of_all", lambda asked, *_: ([[] for _ in asked], "features_timeout")
    )
    answer = ask(decider, next(of_arm("policy", "slow")))
    assert (answer["degraded_reason"], answer["policy"]["name"]) == ("features_timeout", "rule")
    assert not logged(decider, answer["decision_id"]).learnable


@pytest.mark.parametrize(
    ("eligible", "reason"),
    [
        ({"channels": ["sms"]}, "no_consent"),
        ({"channels": ["on_site"]}, "no_channel"),
        ({"max_messages": 0}, "max_messages"),
        ({"latest": (NOW - timedelta(minutes=1)).isoformat()}, "expired"),
        ({"earliest": "2026-11-21T23:00:00+01:00", "latest": "2026-11-22T05:00:00+01:00"}, "quiet_hours"),
    ],
)
def test_nothing_eligible_says_why(shared_decider: Shop, eligible: dict[str, Any], reason: str) -> None:
    user = next(of_arm("policy", f"why-{reason}"))
    answer = ask(shared_decider, user, eligible=eligible)
    assert (answer["action"]["send"], answer["action"]["reason"]) == (False, reason)
    assert reason in {blocked["reason"] for blocked in answer["blocked"]}
    kept = logged(shared_decider, answer["decision_id"])
    assert (len(kept.options), kept.propensity) == (1, 1.0)


def test_what_the_customer_did_reaches_the_answer(decider: Shop) -> None:
    user = next(of_arm("policy", "did"))
    say(decider, "Unsubscribed", user, "u", channel="email")
    assert ask(decider, user)["action"]["reason"] == "unsubscribed"
    buyer = next(of_arm("policy", "buyer"))
    say(decider, "Order Completed", buyer, "o", order_id="1", products=[{"product_id": "tea"}])
    assert ask(decider, buyer)["action"]["reason"] == "order_completed"


def test_messages_of_other_campaigns_count_against_caps(decider: Shop) -> None:
    for user in ("capped", "free"):
        days = range(1, 5) if user == "capped" else range(0)
        for day in days:
            at = (NOW - timedelta(days=day)).isoformat()
            sent = {"channel": "email", "campaign": "newsletter"}
            decider.track("Message Sent", sent, userId=user, messageId=f"{user}-{day}", timestamp=at)
    eligible = {"channels": ["email"], "latest": (NOW + timedelta(hours=30)).isoformat()}
    assert "capped_7d" in {one["reason"] for one in ask(decider, "capped", eligible=eligible)["blocked"]}
    assert "capped_7d" not in {one["reason"] for one in ask(decider, "free", eligible=eligible)["blocked"]}


def test_what_is_sold_out_is_not_written_about(decider: Shop) -> None:
    items = [{"item_id": "gone", "in_stock": False}, {"item_id": "there"}]
    assert decider.client.put("/v1/catalog/items", json={"items": items}).status_code == 200
    until(lambda: "gone" in decider.resources.champion.shelf.products, "the catalogue is followed")
    user = next(of_arm("policy", "stock"))
    only = ask(decider, user, "gone", context={"items": [{"item_id": "gone"}]})
    some = ask(decider, user, "some", context={"items": [{"item_id": "gone"}, {"item_id": "there"}]})
    assert only["action"]["reason"] == "out_of_stock"
    assert some["action"]["reason"] != "out_of_stock"


@pytest.mark.parametrize(
    ("change", "pointer", "known"),
    [
        ({"decision_point": "nowhere"}, "/decision_point", POINT),
        ({"eligible": {"channels": ["email", "pigeon"]}}, "/eligible/channels/1", "email"),
        ({"eligible": {"arguments": ["nonsense"]}}, "/eligible/arguments/0", "reminder"),
        ({"eligible": {"incentives": ["gold"]}}, "/eligible/incentives/0", "none"),
        ({"trigger": {"id": "t", "type": "full_moon"}}, "/trigger/type", "cart_abandoned"),
    ],
)
def test_what_nobody_knows_is_refused_naming_what_there_is(
    shared_decider: Shop, change: dict[str, Any], pointer: str, known: str
) -> None:
    error = refused(shared_decider, request("strict") | change)
    assert [one["pointer"] for one in error["errors"]] == [pointer]
    assert known in error["errors"][0]["detail"]


def test_a_trigger_may_lie_in_the_future_by_the_tolerance_only(shared_decider: Shop) -> None:
    soon, later = (NOW + timedelta(seconds=seconds) for seconds in (300, 301))
    error = refused(shared_decider, request("future") | {"trigger": {"id": "f", "at": later.isoformat()}})
    assert [one["code"] for one in error["errors"]] == ["in_future"]
    assert ask(shared_decider, "future", trigger="f") != error
    body = request("future") | {"trigger": {"id": "soon", "at": soon.isoformat()}}
    assert shared_decider.client.post("/v1/decisions", json=body).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"subject": {}},
        {"subject": {"user_id": ""}},
        {"subject": {"user_id": "u\x00"}},
        {"trigger": {"id": "t", "at": "2026-11-21T12:00:00"}},
        {"trigger": {"id": "t", "at": "9999-12-31T23:59:59-12:00"}},
        {"trigger": {"id": "t", "at": "0001-01-01T00:00:00+12:00"}},
        {"trigger": {}},
        {"step": 0},
        {"step": "first"},
        {"eligible": {"channels": []}},
        {"eligible": {"earliest": "2026-11-24T00:00:00Z", "latest": "2026-11-23T00:00:00Z"}},
        {"context": {"cart_value": "-1"}},
        {"context": {"cart_value": "NaN"}},
        {"context": {"currency": "euro"}},
        {"context": {"numbers": {"points": "Infinity"}}},
        {"context": {"numbers": {"Bad Name": 1}}},
        {"context": {"colour": "red"}},
        {"include": ["everything"]},
        {"surprise": True},
    ],
)
def test_garbage_is_refused(shared_decider: Shop, change: dict[str, Any]) -> None:
    refused(shared_decider, request("garbage") | change)


def test_a_moment_of_the_past_needs_a_setting(chance_folder: Path) -> None:
    then = (NOW - timedelta(days=20)).isoformat()
    trigger = {"id": "then", "at": (NOW - timedelta(days=20, hours=1)).isoformat()}
    body = request("replay") | {"as_of": then, "trigger": trigger}
    with deciding(chance_folder) as shop:
        assert refused(shop, body)["errors"][0]["code"] == "not_allowed"
    with deciding(chance_folder, allow_as_of=True) as shop:
        first = shop.client.post("/v1/decisions", json=body)
        assert moment(first.json()["valid_until"]) == moment(trigger["at"]) + timedelta(days=7)
        again = body | {"as_of": (NOW - timedelta(days=19)).isoformat()}
        assert shop.client.post("/v1/decisions", json=again).content == first.content
        record = shop.resources.decisions.log.find(first.json()["decision_id"])
        assert record.occurred_at == moment(then).timestamp() * 1e6
        refused(shop, body | {"as_of": (NOW + timedelta(days=1)).isoformat()})


def test_a_preview_is_not_logged_and_shows_what_will_be_decided(decider: Shop) -> None:
    preview = ask(decider, "preview", preview=True)
    assert not preview["sticky"]
    assert decider.resources.decisions.log.find(preview["decision_id"]) is None
    assert ask(decider, "preview") == {**preview, "sticky": True}
    assert ask(decider, "preview", preview=True)["sticky"]


def test_a_batch_answers_each_as_alone(chance_folder: Path, tmp_path: Path) -> None:
    from tests.serving.world import copy_world

    other = copy_world(chance_folder, tmp_path / "other")
    users = [f"many-{number}" for number in range(15)]
    body = {name: value for name, value in request(include=["alternatives"]).items() if name != "subject"}
    subjects: list[dict[str, Any]] = [{"user_id": user} for user in users]
    subjects[3] |= {"step": 2, "context": {"timezone": "Asia/Tokyo"}}
    with deciding(chance_folder) as shop:
        live(shop)
        response = shop.client.post("/v1/decisions/batch", json=body | {"subjects": [*subjects, subjects[0]]})
        answers = response.json()["answers"]
    assert answers[-1] == answers[0]
    with deciding(other) as shop:
        live(shop)
        alone = [
            shop.client.post(
                "/v1/decisions",
                json=body
                | {"subject": {"user_id": one["user_id"]}}
                | {name: value for name, value in one.items() if name != "user_id"},
            ).json()
            for one in subjects
        ]
    assert answers[:-1] == alone


def test_a_batch_needs_a_trigger_and_somebody(shared_decider: Shop) -> None:
    for body in (
        {"decision_point": POINT, "subjects": [{"user_id": "a"}]},
        {"decision_point": POINT, "subjects": [{}], "trigger": {"id": "t"}},
        {"decision_point": POINT, "subjects": [], "trigger": {"id": "t"}},
        {"decision_point": POINT, "subjects": [{"user_id": "a"}] * 1_001, "trigger": {"id": "t"}},
    ):
        refused(shared_decider, body, "/v1/decisions/batch")


def test_a_point_that_is_off_sends_nothing_and_decides_anew_when_it_is_on(chance_folder: Path) -> None:
    user = next(of_arm("policy", "off"))
    with deciding(chance_folder) as shop:
        live(shop)
        assert ask(shop, user, "before")["mode"] == "online"
    path = bank(chance_folder, f'[points.{POINT}]\nmode = "off"\n')
    with deciding(chance_folder, action_bank=path) as shop:
        live(shop)
        off = ask(shop, user, "before")
        assert (off["action"]["send"], off["action"]["reason"]) == (False, "switched_off")
        assert not logged(shop, off["decision_id"]).learnable
        assert ask(shop, user, "before") == off
        bank(chance_folder, f'[points.{POINT}]\nmode = "online"\n# on\n')
        until(lambda: shop.resources.bank.now.points[POINT].mode == "online", "the bank is followed")
        assert ask(shop, user, "before")["mode"] == "online"


@pytest.mark.parametrize(("mode", "learnable"), [("shadow", False), ("apprentice", True)])
def test_in_the_shadow_the_rule_acts_and_the_policy_says_what_it_would_do(
    chance_folder: Path, mode: str, learnable: bool
) -> None:
    path = bank(chance_folder, f'[points.{POINT}]\nmode = "{mode}"\n')
    with deciding(chance_folder, action_bank=path) as shop:
        live(shop)
        kept = [
            logged(shop, ask(shop, user, mode)["decision_id"])
            for user, _ in zip(of_arm("policy"), range(12), strict=False)
        ]
    assert {(one.policy, one.propensity, one.learnable, one.mode) for one in kept} == {("rule", 1.0, learnable, mode)}
    assert {one.options[one.chosen].delay for one in kept} == {"24h"}
    assert len({one.would_choose for one in kept} - {None}) > 3


def test_decisions_are_counted(decider: Shop) -> None:
    user = next(of_arm("policy", "counted"))
    ask(decider, user)
    ask(decider, user)
    text = decider.client.get("/metrics").text
    assert f'kairos_sticky_decisions_total{{point="{POINT}"}} 1.0' in text
    assert f'kairos_decisions_total{{arm="policy",degraded_reason="",mode="online",point="{POINT}"' in text
    assert f'kairos_model_info{{name="{MODEL}",version="1"}} 1.0' in text


def test_the_examples_of_the_description_are_valid() -> None:
    (example,) = DecisionRequest.model_config["json_schema_extra"]["examples"]  # type: ignore[index,call-overload]
    assert DecisionRequest.model_validate(example).decision_point == POINT


def test_a_version_that_is_promoted_decides_within_moments(decider: Shop, chance_folder: Path) -> None:
    version = publish(chance_folder)
    live(decider, version.number)
    assert ask(decider, next(of_arm("policy", "newer")))["policy"]["version"] == version.number


def test_a_message_whose_engine_has_not_told_yet_that_it_went_out_counts(bare_folder: Path) -> None:
    user = next(of_arm("policy", "untold"))
    with deciding(bare_folder) as shop:
        due = moment(ask(shop, next(of_arm("policy", "probe")))["action"]["send_at"])
        assert ask(shop, user, eligible={"latest": (due + timedelta(minutes=5)).isoformat()})["action"]["send"]
        shop.clock.now = due + timedelta(minutes=10)
        soon = {"latest": (shop.clock.now + timedelta(hours=5)).isoformat()}
        told = ask(shop, user, "cart-2", eligible=soon, preview=True)
        assert (told["action"]["send"], told["action"]["reason"]) == (False, "capped_1d")
        shop.clock.now += timedelta(hours=2)
        assert ask(shop, user, "cart-2", eligible=soon)["action"]["send"], "it never went out"


def test_a_person_who_is_twice_in_a_batch_gets_what_two_questions_would_get(bare_folder: Path) -> None:
    user = next(of_arm("policy", "twice"))
    both = [{"user_id": user, "trigger": {"id": f"cart-{number}", "at": TRIGGERED.isoformat()}} for number in (1, 2)]
    latest = {"latest": (NOW + timedelta(hours=30)).isoformat()}
    batch = {"decision_point": POINT, "subjects": [*both, both[0]], "eligible": latest}
    with deciding(bare_folder) as shop:
        response = shop.client.post("/v1/decisions/batch", json=batch)
        first, second, third = response.json()["answers"]
    assert first["action"]["send"]
    assert (second["action"]["send"], second["action"]["reason"]) == (False, "capped_1d")
    assert third == first


def test_decisions_that_are_made_together_do_not_promise_more_than_the_budget(chance_folder: Path) -> None:
    path = bank(
        chance_folder,
        """currency = "EUR"
[incentives]
gift = { amount = 5.0, budget = 20.0 }
[points.cart_recovery]
incentives = ["gift"]
""",
    )
    customers = list(islice(of_arm("policy", "promised"), 120))
    batch = {
        "decision_point": POINT,
        "subjects": [{"user_id": user} for user in customers],
        "trigger": {"id": "cart", "at": TRIGGERED.isoformat()},
        "context": {"cart_value": "40.00", "currency": "EUR"},
    }
    with deciding(chance_folder, action_bank=path) as shop:
        live(shop)
        preview = shop.client.post("/v1/decisions/batch", json={**batch, "preview": True}).json()["answers"]
        answers = shop.client.post("/v1/decisions/batch", json=batch).json()["answers"]
        spent = shop.resources.bank.budgets.today(NOW)
    assert [one["action"] for one in answers] == [one["action"] for one in preview], "a preview promises nothing"
    given = sum(one["action"]["incentive"] == "gift" for one in answers)
    assert 1 <= given <= 4
    assert (spent.promised, spent.carried) == ({"gift": 5.0 * given}, {"gift": given})


def test_silence_is_reconsidered_where_the_point_says_so(bare_folder: Path) -> None:
    path = bank(bare_folder, '[points.cart_recovery]\nreconsider = "24h"\n')
    user, spared = next(of_arm("policy", "anew")), next(of_arm("holdout", "anew"))
    with deciding(bare_folder, action_bank=path) as shop:
        say(shop, "Message Sent", user, "other campaign", channel="email")
        silent = ask(shop, user, step=3)
        assert not silent["action"]["send"]
        assert moment(silent["valid_until"]) == NOW + timedelta(hours=24)
        held, written = ask(shop, spared), ask(shop, user)
        assert moment(held["valid_until"]) == moment(written["valid_until"]) == TRIGGERED + timedelta(days=7)
        shop.clock.now = NOW + timedelta(hours=23)
        assert ask(shop, user, step=3) == silent
        shop.clock.now = NOW + timedelta(hours=24)
        again = ask(shop, user, step=3)
        assert again["decision_id"] != silent["decision_id"]
        assert (ask(shop, spared), ask(shop, user)) == (held, written)

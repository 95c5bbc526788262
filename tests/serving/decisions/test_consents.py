"""Consent over HTTP: the last word holds, told again it counts once, and nobody agrees in the future."""

from datetime import timedelta
from typing import Any

import pytest

from features.contact import contact_of
from serving.decisions.event_schemas import ConsentRequest
from tests.serving.decisions.told import events_of, post
from tests.serving.world import NOW, Shop


def say(shop: Shop, user_id: str, consent: str, minutes: float | None = 0, **said: Any) -> bool:
    at = {} if minutes is None else {"at": (NOW - timedelta(minutes=minutes)).isoformat()}
    body = {"subject": {"user_id": user_id}, "channel": "sms", "purpose": "carts", "consent": consent} | at | said
    return bool(post(shop, "/v1/consents", **body)["new"])


def consent(shop: Shop, user_id: str, purpose: str = "carts") -> str | None:
    return contact_of(events_of(shop, user_id), NOW).consent("sms", purpose)


def test_the_last_word_by_its_time_holds_in_whatever_order_it_is_told(shared_decider: Shop) -> None:
    assert say(shared_decider, "yes-1", "granted", 5)
    assert consent(shared_decider, "yes-1") == "granted"
    assert say(shared_decider, "yes-1", "withdrawn", 9)
    assert consent(shared_decider, "yes-1") == "granted"
    assert say(shared_decider, "yes-1", "withdrawn", None)
    assert consent(shared_decider, "yes-1") == "withdrawn"
    assert consent(shared_decider, "yes-1", "news") is None


def test_without_a_purpose_it_is_about_all(shared_decider: Shop) -> None:
    say(shared_decider, "yes-2", "granted", 5)
    say(shared_decider, "yes-2", "withdrawn", 1, purpose=None)
    assert consent(shared_decider, "yes-2") == consent(shared_decider, "yes-2", "news") == "withdrawn"


def test_the_same_word_counts_once_and_another_is_another(shared_decider: Shop) -> None:
    assert say(shared_decider, "yes-3", "granted", 5)
    assert not say(shared_decider, "yes-3", "granted", 5)
    assert say(shared_decider, "yes-3", "withdrawn", 5)
    assert say(shared_decider, "yes-3", "granted", 5, purpose="news")
    assert say(shared_decider, "yes-3", "granted", 5, channel="email")
    assert say(shared_decider, "yes-4", "granted", 5)
    assert len(events_of(shared_decider, "yes-3")) == 4


def test_a_withdrawal_for_a_channel_that_nobody_knows_yet_is_kept(shared_decider: Shop) -> None:
    assert say(shared_decider, "yes-telegram", "withdrawn", 5, channel="telegram", purpose=None)
    assert contact_of(events_of(shared_decider, "yes-telegram"), NOW).consent("telegram", "carts") == "withdrawn"
    assert consent(shared_decider, "yes-telegram") is None


def test_it_holds_for_the_person_who_logs_in_later_and_names_nobody_the_same(shared_decider: Shop) -> None:
    subject = {"anonymous_id": "yes-device"}
    post(shared_decider, "/v1/consents", subject=subject, channel="sms", consent="withdrawn")
    (record,) = shared_decider.resources.events.log.of_person((), ("yes-device",))
    assert (record.user_id, record.type) == (None, "consent_changed")
    both = {"user_id": "yes-5", "anonymous_id": "yes-device"}
    post(shared_decider, "/v1/consents", subject=both, channel="sms", consent="granted")
    assert shared_decider.resources.identities.person("yes-5", None).anonymous_ids == ()


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        ({"subject": {}}, "/subject", "value_error"),
        ({"subject": None}, "/subject", "model_attributes_type"),
        ({"consent": "maybe"}, "/consent", "literal_error"),
        ({"channel": ""}, "/channel", "string_too_short"),
        ({"purpose": "x" * 300}, "/purpose", "string_too_long"),
        ({"at": (NOW + timedelta(minutes=6)).isoformat()}, "/at", "in_future"),
        ({"at": "1969-01-01T00:00:00Z"}, "/at", "value_error"),
        ({"why": "x"}, "/why", "extra_forbidden"),
    ],
)
def test_garbage_is_named(shared_decider: Shop, said: dict[str, Any], pointer: str, code: str) -> None:
    body = {"subject": {"user_id": "yes-6"}, "channel": "sms", "consent": "granted"} | said
    problem = post(shared_decider, "/v1/consents", 422, **body)
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == (pointer, code)
    assert events_of(shared_decider, "yes-6") == []


def test_the_documented_example_is_a_request() -> None:
    example = ConsentRequest.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    assert ConsentRequest.model_validate(example)

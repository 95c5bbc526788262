"""That a message went out: told often, at once, too late or too early, it counts once, and the answer says which."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from features.events import Event
from features.log import from_record
from serving.decisions.event_schemas import ActivationRequest
from tests.serving.decisions.told import decided, events_of, outcome_of, post
from tests.serving.world import NOW, Shop


def activate(shop: Shop, decision_id: str, **said: Any) -> Any:
    return post(shop, "/v1/activations", decision_id=decision_id, **said)


def activations(shop: Shop, user_id: str) -> list[Event]:
    return [event for event in events_of(shop, user_id) if event.type == "message_sent"]


def test_a_message_that_went_out_is_an_event_of_the_person(shared_decider: Shop) -> None:
    at = NOW - timedelta(hours=1)
    id_ = decided(shared_decider, "act-1", at)
    told = activate(shared_decider, id_, sent_at=NOW.isoformat(), channel="email", provider_message_id="esp-7")
    assert told == {"decision_id": id_, "new": True, "sent_at": "2026-11-21T12:00:00Z", "channel": "email"}
    (event,) = activations(shared_decider, "act-1")
    assert (event.user_id, event.occurred_at, event.received_at) == ("act-1", NOW, NOW)
    body = event.body
    assert (body.channel, body.decision_id, body.provider_message_id) == ("email", id_, "esp-7")
    outcome = outcome_of(shared_decider, id_)
    assert (outcome.activated_at, outcome.activated_channel) == (NOW, "email")


def test_what_is_left_out_is_as_decided_and_now(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "act-2", NOW, channel="sms")
    assert activate(shared_decider, id_) == {
        "decision_id": id_,
        "new": True,
        "sent_at": "2026-11-21T12:00:00Z",
        "channel": "sms",
    }


def test_the_first_activation_stands_and_the_answer_says_so(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "act-3", NOW - timedelta(hours=2))
    first = activate(shared_decider, id_, sent_at=(NOW - timedelta(hours=1)).isoformat(), channel="push")
    again = activate(shared_decider, id_, sent_at=NOW.isoformat(), channel="email")
    assert again == {**first, "new": False}
    assert (first["channel"], first["sent_at"]) == ("push", "2026-11-21T11:00:00Z")
    assert len(activations(shared_decider, "act-3")) == 1


def test_twenty_at_once_are_one_event(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "act-4", NOW - timedelta(hours=2))
    with ThreadPoolExecutor(20) as threads:
        minutes = [(NOW - timedelta(minutes=number)).isoformat() for number in range(20)]
        answers = list(threads.map(lambda sent_at: activate(shared_decider, id_, sent_at=sent_at), minutes))
    assert sum(answer["new"] for answer in answers) == 1
    assert len({answer["sent_at"] for answer in answers}) == 1
    assert len(activations(shared_decider, "act-4")) == 1


def test_a_visitor_of_whom_nothing_else_is_known_is_the_person(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, None, NOW, visitor="act-device")
    activate(shared_decider, id_)
    records = shared_decider.resources.events.log.of_person((), ("act-device",))
    assert [(record.user_id, record.type) for record in records] == [(None, "message_sent")]


def test_an_engine_that_sends_all_the_same_names_the_channel(shared_decider: Shop) -> None:
    id_ = decided(shared_decider, "act-5", NOW, channel=None)
    problem = post(shared_decider, "/v1/activations", 422, decision_id=id_)
    assert problem["errors"][0]["pointer"] == "/channel"
    assert activate(shared_decider, id_, channel="email")["new"]
    assert outcome_of(shared_decider, id_).activated_channel == "email"
    assert outcome_of(shared_decider, id_).channel is None


@pytest.mark.parametrize(("seconds", "kept"), [(-301, None), (-300, 0), (-1, 0), (0, 0), (1, 1)])
def test_no_message_goes_out_before_its_decision_but_clocks_differ(
    shared_decider: Shop, seconds: int, kept: int | None
) -> None:
    at = NOW - timedelta(hours=1)
    id_ = decided(shared_decider, f"early-{seconds}", at)
    told = {"decision_id": id_, "sent_at": (at + timedelta(seconds=seconds)).isoformat()}
    if kept is None:
        problem = post(shared_decider, "/v1/activations", 422, **told)
        assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("/sent_at", "before_decision")
        assert activations(shared_decider, f"early-{seconds}") == []
    else:
        post(shared_decider, "/v1/activations", **told)
        assert outcome_of(shared_decider, id_).activated_at == at + timedelta(seconds=kept)


@pytest.mark.parametrize(("seconds", "status"), [(300, 202), (301, 422), (10**8, 422)])
def test_no_message_went_out_in_the_future(shared_decider: Shop, seconds: int, status: int) -> None:
    id_ = decided(shared_decider, f"late-{seconds}", NOW)
    sent_at = (NOW + timedelta(seconds=seconds)).isoformat()
    told = post(shared_decider, "/v1/activations", status, decision_id=id_, sent_at=sent_at)
    if status == 422:
        assert (told["errors"][0]["pointer"], told["errors"][0]["code"]) == ("/sent_at", "in_future")


def test_what_was_never_decided_was_not_sent(shared_decider: Shop) -> None:
    shown = shared_decider.resources.decisions.log.find("nothing")
    assert shown is None
    assert post(shared_decider, "/v1/activations", 404, decision_id="nothing")["code"] == "unknown_decision"


GARBAGE = [
    {},
    {"decision_id": ""},
    {"decision_id": 7},
    {"decision_id": "x" * 257},
    {"decision_id": "a\x00b"},
    {"decision_id": "dec", "sent_at": "yesterday"},
    {"decision_id": "dec", "sent_at": "2026-11-21T12:00:00"},
    {"decision_id": "dec", "sent_at": "0001-01-01T00:00:00+14:00"},
    {"decision_id": "dec", "channel": ""},
    {"decision_id": "dec", "channel": ["email"]},
    {"decision_id": "dec", "unknown": 1},
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=str)
def test_garbage_is_named_and_writes_nothing(shared_decider: Shop, garbage: dict[str, Any]) -> None:
    log = shared_decider.resources.events.log
    before = log.last_position()
    problem = post(shared_decider, "/v1/activations", 422, **garbage)
    assert problem["code"] == "validation_error"
    assert problem["errors"]
    assert log.last_position() == before


def test_the_documented_example_is_a_request() -> None:
    example = ActivationRequest.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]
    assert ActivationRequest.model_validate(example)


def test_an_activation_counts_against_caps_like_any_message(shared_decider: Shop) -> None:
    from features.contact import contact_of

    id_ = decided(shared_decider, "act-6", NOW)
    activate(shared_decider, id_)
    shared_decider.track("Message Sent", {"channel": "email", "decision_id": id_}, userId="act-6", messageId="esp")
    records = shared_decider.resources.events.log.of_person(("act-6",), ())
    assert len(records) == 2
    assert contact_of(map(from_record, records), NOW).sends(NOW - timedelta(days=1), "email") == 1
    assert msgspec.json.decode(records[0].payload)["decision_id"] == id_

"""What does something carries a name by which it is done once; what the service keeps by itself does not."""

from typing import Any

from serving.calling import calls
from serving.idempotency import takes_key


def test_what_is_told_carries_a_key_where_the_service_keeps_one_and_each_call_its_own() -> None:
    told: list[calls.Call[Any]] = [
        calls.activate(decision_id="d"),
        calls.outcome(decision_id="d", type="opened"),
        calls.consent(subject={"user_id": "u"}, channel="email", consent="granted"),
        calls.prepare(subject={"user_id": "u"}),
        calls.recommend_batch(subjects=[{"user_id": "u"}]),
    ]
    assert all(call.key and takes_key(call.path) and "idempotency_key" not in call.body for call in told)
    assert len({call.key for call in told}) == len(told)
    assert calls.feedback(cart_id="c", type="rejected").key


def test_a_job_names_its_key_itself_even_where_none_is_made() -> None:
    assert calls.recommend(placement="home").key is None
    call = calls.recommend(placement="home", idempotency_key="page-7")
    assert (call.key, call.body) == ("page-7", {"placement": "home"})


def test_an_event_is_written_as_segment_does_and_has_an_id_of_its_own_unless_it_brings_one() -> None:
    first, second = calls.track(event="Product Viewed", user_id="u"), calls.track(event="Product Viewed", user_id="u")
    assert first.body["userId"] == "u"
    assert first.body["messageId"] != second.body["messageId"]
    assert calls.track(event="Product Viewed", message_id="m").body["messageId"] == "m"
    body: Any = calls.batch([{"type": "track", "messageId": "m"}, {"type": "track"}]).body
    named, unnamed = body["batch"]
    assert named["messageId"] == "m"
    assert unnamed["messageId"]

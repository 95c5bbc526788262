"""What one replica was told the other knows in its very next answer: events, who is who, consent, who is forgotten."""

import pytest

from tests.replicas.world import Replicas
from tests.serving.world import BEANS, MILK
from tests.waiting import until

pytestmark = pytest.mark.slow
OTHER = {"a": "b", "b": "a"}


def viewed(replicas: Replicas, name: str, product_id: str = "coffee-1", **who: str) -> None:
    said = replicas.post(name, "/v1/track", event="Product Viewed", properties={"product_id": product_id}, **who)
    assert said["accepted"] == 1


def items(replicas: Replicas, name: str, **subject: str) -> tuple[str | None, set[str]]:
    answer = replicas.post(name, "/v1/recommendations", subject=subject, limit=5)
    return answer["fallback"], {item["item_id"] for item in answer["items"]}


@pytest.mark.parametrize("name", ["a", "b"])
def test_an_event_and_a_login_told_to_one_are_in_the_next_answer_of_the_other(replicas: Replicas, name: str) -> None:
    for number in range(6):
        device, user, old = f"device-{name}-{number}", f"user-{name}-{number}", f"old-{name}-{number}"
        viewed(replicas, name, anonymousId=device)
        replicas.post(OTHER[name], "/v1/identify", userId=user, anonymousId=device, traits={})
        fallback, found = items(replicas, name, user_id=user)
        assert fallback is None, number
        assert found <= {*BEANS, MILK}
        replicas.post(name, "/v1/alias", userId=old, previousId=user)
        fallback, found = items(replicas, OTHER[name], user_id=old)
        assert fallback is None, number
        assert found <= {*BEANS, MILK}


def test_who_is_erased_through_one_is_unknown_to_the_other(replicas: Replicas) -> None:
    user, device = "erased-user", "erased-device"
    viewed(replicas, "b", userId=user, anonymousId=device)
    assert items(replicas, "b", user_id=user)[0] is None
    job = replicas.post("a", "/v1/privacy/erase", subject={"anonymous_id": device})["job_id"]

    def done() -> bool:
        state = replicas.ask("b", "GET", "/v1/jobs", params={"id": job}).json()["state"]
        assert state != "failed"
        return bool(state == "done")

    until(done, "every store has forgotten them")
    said = {"event": "Product Viewed", "userId": user, "properties": {"product_id": "coffee-1"}}

    def unknown(name: str) -> bool:
        answered = items(replicas, name, user_id=user)[0]
        return replicas.post(name, "/v1/track", **said)["ignored"] == 1 and answered is not None

    for name in OTHER:  # a worker that slept for longer than the job waits for all has yet to read who was erased
        until(lambda: unknown(name), "who was erased is told nothing about, and nothing is heard of them")  # noqa: B023


def test_who_withdraws_personalization_at_one_is_soon_nobody_at_the_other(replicas: Replicas) -> None:
    user = "withdrawn-user"
    viewed(replicas, "a", userId=user)
    assert items(replicas, "b", user_id=user)[0] is None
    no = {"subject": {"user_id": user}, "channel": "web", "purpose": "personalization", "consent": "withdrawn"}
    replicas.post("a", "/v1/consents", **no)
    until(lambda: items(replicas, "b", user_id=user)[0] is not None, "the other answers as nobody is answered")

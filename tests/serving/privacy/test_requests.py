"""A person who asks to be forgotten is, in every store of a running service, and does not come back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.person import Person
from tests.serving.world import MILK, NOW, Shop, bearing, copy_world, make_key, running
from tests.waiting import until

HER, PHONE = "tea-drinker-3", "phone-of-tea-drinker-3"
HIM = "coffee-drinker-2"


@pytest.fixture(scope="module")
def shop(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(copy_world(world, tmp_path_factory.mktemp("privacy") / "shop")) as found:
        yield found


def post(shop: Shop, path: str, **body: Any) -> Any:
    response = shop.client.post(path, json=body)
    assert response.status_code in (200, 202), response.text
    return response.json()


def done(shop: Shop, job_id: str) -> Any:
    """The job at its end; the clock is moved past the wait for other workers."""

    def ended() -> bool:
        shop.clock.now += timedelta(seconds=1)
        return bool(shop.client.get("/v1/jobs", params={"id": job_id}).json()["state"] in ("done", "failed"))

    until(ended, "the job is done")
    return shop.client.get("/v1/jobs", params={"id": job_id}).json()


def decide(shop: Shop, user: str) -> Any:
    trigger = {"id": "cart-1", "type": "cart_abandoned", "at": NOW.isoformat()}
    subject = {"user_id": user}
    return post(shop, "/v1/decisions", decision_point="cart_recovery", subject=subject, trigger=trigger)


def logged(shop: Shop, user: str) -> int:
    person = Person(user, (user,), ())
    stores = shop.resources.privacy.places.stores(NOW)
    return sum(1 for store in stores for _ in store.held(person))


def projected(shop: Shop) -> None:
    """Wait for the projector: a step that has read her events and sleeps would write them after they were erased. The
    wait for other workers keeps it from that, and the clock is moved past it."""
    projector = shop.resources.projection.projector
    until(lambda: projector._offset() == projector.log.last_position(), "the projector has read everything")


def test_an_erasure_from_the_request_to_the_receipt(shop: Shop) -> None:
    shop.track("Product Viewed", {"product_id": MILK}, userId=HER, anonymousId=PHONE)
    shop.recommend(subject={"user_id": HER}, placement="home")
    decided = decide(shop, HER)
    assert logged(shop, HER) > 20
    him = logged(shop, HIM)
    projected(shop)
    job = post(shop, "/v1/privacy/erase", subject={"anonymous_id": PHONE})
    receipt = done(shop, job["job_id"])
    assert (receipt["state"], receipt["step"], receipt["reason"]) == ("done", None, None)
    assert receipt["found"]["events"] == 11
    assert (receipt["found"]["decisions"], receipt["found"]["history"] > 20) == (2, True)
    assert HER not in str(receipt)
    assert logged(shop, HER) == 0
    assert logged(shop, HIM) == him

    again = shop.track("Product Viewed", {"product_id": MILK}, userId=HER)
    assert (again["accepted"], again["ignored"]) == (0, 1)
    assert shop.track("Product Viewed", {"product_id": MILK}, anonymousId=PHONE)["ignored"] == 1
    assert shop.track("Product Viewed", {"product_id": MILK}, userId=HIM, anonymousId=PHONE)["accepted"] == 1
    consent = {"channel": "email", "consent": "granted"}
    told = post(shop, "/v1/consents", subject={"user_id": HER}, **consent)
    assert told == {"new": False, "channel_known": True, "purpose_known": True}
    verdicts = post(shop, "/v1/events/validate", type="track", event="Cart Viewed", userId=HER)
    assert verdicts["events"][0]["detail"] == "its person is suppressed"

    silence = decide(shop, HER)
    assert (silence["action"]["send"], silence["action"]["reason"]) == (False, "suppressed")
    assert shop.client.post("/v1/decisions/check", json={"decision_id": decided["decision_id"]}).status_code == 404
    assert shop.client.post("/v1/activations", json={"decision_id": silence["decision_id"]}).status_code == 404

    answer = shop.recommend(subject={"user_id": HER}, placement="home")
    nobody = shop.recommend(placement="home")
    assert [item["item_id"] for item in answer["items"]] == [item["item_id"] for item in nobody["items"]]
    assert answer["fallback"] == nobody["fallback"] is not None
    batch = post(shop, "/v1/recommendations/batch", subjects=[{"user_id": HER}, {"user_id": HIM}], placement="home")
    assert batch["answers"][0]["items"] == nobody["items"] != batch["answers"][1]["items"]
    assert logged(shop, HER) == 0
    metrics = shop.client.get("/metrics").text
    assert 'kairos_events_total{verdict="suppressed"}' in metrics
    assert HER not in metrics


def test_an_export_tells_everything_and_an_unknown_job_is_none(shop: Shop) -> None:
    job = post(shop, "/v1/privacy/export", subject={"user_id": "tea-drinker-1"})
    found = done(shop, job["job_id"])["result"]
    assert found["user_ids"] == ["tea-drinker-1"]
    assert len(found["held"]["events"]) == 10
    assert {row["customer_id"] for row in found["held"]["online store"]} == {"tea-drinker-1"}
    assert shop.client.get("/v1/jobs", params={"id": "job_0"}).json()["code"] == "unknown_job"


def test_suppression_holds_at_once_and_can_be_taken_back(shop: Shop) -> None:
    subject = {"user_id": "tea-drinker-2"}
    decided = decide(shop, "tea-drinker-2")
    held = logged(shop, "tea-drinker-2")
    assert post(shop, "/v1/privacy/suppress", subject=subject) == {"suppressed": True, "ids": 1}
    assert shop.track("Cart Viewed", userId="tea-drinker-2")["ignored"] == 1
    check = post(shop, "/v1/decisions/check", decision_id=decided["decision_id"])
    assert (check["send"], check["reason"]) in ((False, "suppressed"), (False, decided["action"]["reason"]))
    assert logged(shop, "tea-drinker-2") == held
    assert post(shop, "/v1/privacy/suppress", subject=subject, suppressed=False) == {"suppressed": False, "ids": 1}
    assert shop.track("Cart Viewed", userId="tea-drinker-2")["accepted"] == 1


def test_who_withdraws_personalization_is_answered_as_nobody_until_it_is_granted_again(shop: Shop) -> None:
    subject = {"user_id": "tea-drinker-5"}

    def ids(**asked: Any) -> list[str]:
        return [item["item_id"] for item in shop.recommend(placement="home", **asked)["items"]]

    assert ids(subject=subject) != ids()
    word = {"channel": "web", "purpose": "personalization"}
    post(shop, "/v1/consents", subject=subject, consent="withdrawn", **word)
    until(lambda: ids(subject=subject) == ids(), "the withdrawal holds")
    before = logged(shop, "tea-drinker-5")
    ids(subject=subject)
    assert logged(shop, "tea-drinker-5") == before
    assert decide(shop, "tea-drinker-5")["action"]["reason"] != "suppressed"
    shop.clock.now += timedelta(minutes=1)
    post(shop, "/v1/consents", subject=subject, consent="granted", **word)
    until(lambda: ids(subject=subject) != ids(), "the consent holds")


@pytest.mark.parametrize("path", ["/v1/privacy/export", "/v1/privacy/erase", "/v1/privacy/suppress"])
@pytest.mark.parametrize("kind", ["pk", "sk"])
def test_only_a_key_for_administration_may_ask(shop: Shop, path: str, kind: Any) -> None:
    headers = bearing(make_key(shop.folder, kind))
    response = shop.client.post(path, json={"subject": {"user_id": HIM}}, headers=headers)
    assert response.status_code == 403
    assert shop.client.get("/v1/jobs", params={"id": "job_0"}, headers=headers).status_code == 403

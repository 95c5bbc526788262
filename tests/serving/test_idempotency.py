"""`Idempotency-Key` over HTTP: what is sent again does nothing again, whatever goes wrong in between."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from serving.idempotency import takes_key
from serving.kept_answers import KeptAnswers
from tests.serving.test_door import problem
from tests.serving.world import DRINKER, Shop, bearing, make_key, running

PATH = "/v1/recommendations"
ASKED = {"subject": {"user_id": DRINKER}, "limit": 2}


def post(shop: Shop, key: str, body: Any = ASKED, path: str = PATH, **headers: str) -> Any:
    return shop.client.post(path, json=body, headers={"Idempotency-Key": key, **headers})


def shown(shop: Shop) -> int:
    return int(shop.resources.decisions.log.last_position())


def test_a_request_that_comes_again_gets_the_same_answer_and_does_nothing(shop: Shop) -> None:
    first = post(shop, '"a-1"')
    assert first.status_code == 200
    assert "idempotent-replayed" not in first.headers
    before = shown(shop)
    for key in ('"a-1"', "a-1"):
        again = post(shop, key)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["content-type"] == first.headers["content-type"]
    assert shown(shop) == before
    assert post(shop, "a-2").content != first.content


def test_another_body_is_a_conflict_and_another_caller_or_path_another_key(shop: Shop) -> None:
    assert post(shop, "b").status_code == 200
    problem(post(shop, "b", {**ASKED, "limit": 3}), 422, "idempotency_conflict")
    other = post(shop, "b", {**ASKED, "limit": 3}, **bearing(make_key(shop.folder)))
    assert other.status_code == 200
    batch = {"subjects": [{"subject": ASKED["subject"]}]}
    assert "idempotent-replayed" not in post(shop, "b", batch, "/v1/recommendations/batch").headers


def test_it_survives_a_restart(folder: Any) -> None:
    secret = bearing(make_key(folder))
    with running(folder) as shop:
        first = post(shop, "c", **secret)
    with running(folder) as shop:
        again = post(shop, "c", **secret)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.content == first.content


def test_of_many_at_once_one_is_run(shop: Shop) -> None:
    before = shown(shop)
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda _: post(shop, "d"), range(16)))
    done = [response for response in responses if response.status_code == 200]
    assert {response.content for response in done} == {done[0].content}
    for response in responses:
        if response.status_code != 200:
            problem(response, 409, "idempotency_running")
            assert response.headers["retry-after"] == "1"
    once = shown(shop) - before
    post(shop, "e")
    assert shown(shop) - before == 2 * once


def test_an_error_frees_the_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(post(shop, "f", {"nonsense": 1}), 422, "validation_error")
    with monkeypatch.context() as broken:
        broken.setattr("serving.answering.answered", _fails)
        assert post(shop, "f").status_code >= 500
    assert post(shop, "f").status_code == 200


def _fails(*_: Any, **__: Any) -> Any:
    raise OperationalError("insert", {}, Exception("gone"))


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OperationalError("update", {}, Exception("disk full"))

    monkeypatch.setattr(KeptAnswers, "finish", full)
    assert post(shop, "g").status_code == 200
    problem(post(shop, "g"), 409, "idempotency_running")


@pytest.mark.parametrize("key", ["", '""', " ", "x" * 256])
def test_a_key_has_a_length(shared: Shop, key: str) -> None:
    problem(post(shared, key), 422, "validation_error")


def test_events_and_decisions_have_keys_of_their_own() -> None:
    for path in (
        "/v1/track",
        "/v1/batch",
        "/v1/import",
        "/v1/decisions",
        "/v1/decisions/batch",
        "/v1/restock/carts/feedback",
    ):
        assert not takes_key(path)
    for path in ("/v1/activations", "/v1/outcomes", "/v1/consents", "/v1/restock/carts"):
        assert takes_key(path)


def test_neither_the_key_nor_the_request_is_kept(shop: Shop) -> None:
    person = "canary-4711@example.com"
    post(shop, f"order-of-{person}", {"subject": {"user_id": person}})
    engine = shop.resources.events.log.engine
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select * from kept_answer").all()
    assert len(rows) == 1
    assert "canary-4711" not in json.dumps([list(map(str, row)) for row in rows])

"""Many subjects at once: each gets the answer that it would get alone, logged like one, in one commit."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread
from typing import Any

import pytest

from serving.placements import DEFAULT
from serving.visitor import Visitor
from tests.serving.test_recommend import decisions, ids
from tests.serving.world import DRINKER, LEAVES, MILK, Shop
from tests.waiting import PATIENCE, until

SUBJECTS = [
    {"user_id": DRINKER},
    {"user_id": "nobody"},
    {},
    {"user_id": "coffee-drinker-2"},
    {"user_id": DRINKER, "anonymous_id": "device"},
]


def batch(shop: Shop, **request: Any) -> Any:
    response = shop.client.post("/v1/recommendations/batch", json=request)
    assert response.status_code == 200, response.text
    return response.json()["answers"]


@pytest.mark.parametrize("placement", DEFAULT)
def test_a_batch_answers_as_its_requests_one_by_one(shared: Shop, placement: str) -> None:
    asked = {
        "placement": placement,
        "limit": 5,
        "context": {"item_ids": ["tea-1", "coffee-2"], "cart": [{"item_id": "tea-2"}], "query": "tea", "locale": "ru"},
        "exclude_item_ids": ["tea-3"],
        "filter": "category == 'drinks' || category == 'dairy'",
        "preview": True,
    }
    answers = batch(shared, subjects=SUBJECTS, **asked)
    assert len(answers) == len(SUBJECTS)
    for subject, answer in zip(SUBJECTS, answers, strict=True):
        single = shared.recommend(subject=subject, **asked)
        for name in ("items", "strategy", "fallback", "degraded", "placement", "model"):
            assert answer[name] == single[name], name


def test_more_subjects_than_a_chunk_keep_their_order(shared: Shop) -> None:
    subjects = [SUBJECTS[number % 3] for number in range(150)]
    answers = batch(shared, subjects=subjects, limit=2, preview=True)
    assert [ids(answer) for answer in answers] == [ids(answers[number % 3]) for number in range(150)]
    assert len({answer["recommendation_id"] for answer in answers}) == 150


def test_every_answer_is_logged_and_counted_like_a_single_one(shop: Shop) -> None:
    answers = batch(shop, subjects=SUBJECTS, limit=2, placement="email")
    records = {record.key: record for record in decisions(shop.folder)}
    assert set(records) == {answer["recommendation_id"] for answer in answers}
    assert [records[answer["recommendation_id"]].user_id for answer in answers] == [
        subject.get("user_id") for subject in SUBJECTS
    ]
    text = shop.client.get("/metrics").text
    assert 'kairos_recommendations_total{degraded_reason="",fallback="",placement="email"} 3.0' in text


def test_a_preview_is_not_logged(shop: Shop) -> None:
    assert batch(shop, subjects=SUBJECTS, preview=True)
    assert not decisions(shop.folder)


def test_what_is_excluded_is_excluded_for_everybody(shared: Shop) -> None:
    for answer in batch(shared, subjects=SUBJECTS, limit=100, exclude_item_ids=[MILK, *LEAVES]):
        assert not set(ids(answer)) & {MILK, *LEAVES}


def test_a_page_never_waits_behind_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    free, waiting = Event(), list[str]()

    def endless(*_: Any) -> list[Visitor]:
        waiting.append(current_thread().name)
        assert free.wait(PATIENCE)
        return [Visitor()]

    monkeypatch.setattr(shop.resources.visitors, "read_many", endless)
    with ThreadPoolExecutor(12) as callers:
        batches = [callers.submit(batch, shop, subjects=[{}], preview=True) for _ in range(12)]
        try:
            until(lambda: len(waiting) > 1, "batches are at work")
            assert ids(shop.recommend(subject={"user_id": DRINKER}, filter="price < 4", preview=True))
        finally:
            free.set()
        assert all(one.result() for one in batches)
    assert all(name.startswith("batch") for name in waiting)


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({}, "/subjects"),
        ({"subjects": []}, "/subjects"),
        ({"subjects": [{}] * 1_001}, "/subjects"),
        ({"subjects": [{}, {"user_id": ""}]}, "/subjects/1/user_id"),
        ({"subjects": [{}], "subject": {}}, "/subject"),
        ({"subjects": [{}], "filter": "price <"}, "/filter"),
    ],
)
def test_wrong_batches_are_pointed_at(shared: Shop, request_: dict[str, Any], pointer: str) -> None:
    response = shared.client.post("/v1/recommendations/batch", json=request_)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

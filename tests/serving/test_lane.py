"""The lane answers as FastAPI's route would, byte for byte, whatever comes in."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from serving.lane import Hot, Lane, Routes
from tests.serving.world import DRINKER, Shop

PATH = "/v1/recommendations"
RANDOM = re.compile(r"rec_[0-9a-f]{32}")


def lane_of(shop: Shop) -> Lane:
    layer: Any = shop.app.middleware_stack
    while not isinstance(layer, Lane):
        layer = layer.app
    return layer


@contextmanager
def routes(shop: Shop, hot: Routes) -> Iterator[None]:
    """With other hot routes than the application's."""
    lane = lane_of(shop)
    before, lane.hot = lane.hot, hot
    try:
        yield
    finally:
        lane.hot = before


def posted(shop: Shop, body: bytes, path: str = PATH, **headers: str) -> tuple[int, dict[str, str], str]:
    sent = {"content-type": "application/json", "x-request-id": "same", **headers}
    response = shop.client.post(path, content=body, headers=sent)
    seen = {name: value for name, value in response.headers.items() if not name.startswith("ratelimit")}
    return response.status_code, seen, RANDOM.sub("rec", response.text)


def both(shop: Shop, body: bytes, path: str = PATH, **headers: str) -> tuple[int, dict[str, str], str]:
    """The answer, which is the same by the lane and behind it."""
    ahead = posted(shop, body, path, **headers)
    with routes(shop, {}):
        behind = posted(shop, body, path, **headers)
    assert ahead == behind
    return ahead


IDS = st.sampled_from(["tea-1", "coffee-2", "milk", "none", "", "\0", "\ud800", "ключ", 7, None])
SUBJECTS = st.fixed_dictionaries(
    {}, optional={"user_id": st.sampled_from([DRINKER, "stranger", "", 7, None]), "anonymous_id": IDS}
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "item_ids": st.lists(IDS, max_size=3),
        "cart": st.lists(st.fixed_dictionaries({"item_id": IDS}, optional={"quantity": st.floats()}), max_size=2),
        "category": st.sampled_from(["drinks/tea", "/", "nowhere"]),
        "query": st.text(max_size=5),
        "locale": st.sampled_from(["ru", "en-GB", "x" * 300]),
    },
)
REQUESTS: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "subject": SUBJECTS,
        "context": CONTEXTS,
        "placement": st.sampled_from(["home", "product", "cart", "search", "buy_again", "nowhere"]),
        "limit": st.sampled_from([0, 1, 3, 100, 101, "5", 2.0, 2.5, True, None]),
        "filter": st.sampled_from(["price < 4", "price <", "nothing = 1", "in_stock"]),
        "exclude_item_ids": st.lists(IDS, max_size=3),
        "diversity": st.sampled_from([0.3, 2.0, "0.1", 1e400]),
        "include": st.sampled_from([[], ["reasons"], ["fields"], ["all"]]),
        "fields": st.sampled_from([["title"], ["price", "currency"], []]),
        "preview": st.booleans(),
        "surplus": st.just(1),
    },
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHECKED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@CHECKED
@given(request=REQUESTS)
def test_requests_right_and_wrong_are_answered_alike(shared: Shop, request: Mapping[str, Any]) -> None:
    both(shared, json.dumps(request).encode())


@CHECKED
@given(body=st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"")
@example(b"{}")
@example(b"\xef\xbb\xbf{}")
@example('{"limit": 3}'.encode("utf-16"))
@example(b'{"limit": 3, "limit": 4}')
@example(b'{"limit": 3} x')
@example(b'{"limit": NaN}')
@example(b'{"subject": {"user_id": "\\ud800"}}')
@example(b"[" * 3_000)
@example(b'{"subject": ' * 3_000)
def test_garbage_is_answered_alike(shared: Shop, body: bytes) -> None:
    both(shared, body)


def test_every_part_of_an_answer_is_the_same(shared: Shop) -> None:
    full = {"subject": {"user_id": DRINKER}, "limit": 5, "context": {"locale": "ru"}}
    status, headers, text = both(shared, json.dumps(full).encode())
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert {item["source"] for item in json.loads(text)["items"]}


@pytest.mark.parametrize("body", [b'{"limit": 2}', b"{}", b'{"subject": {"anonymous_id": "a"}, "placement": "search"}'])
def test_a_right_request_never_reaches_fastapi(shared: Shop, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_of(shared), "app", None)
    assert posted(shared, body)[0] == 200


def test_both_are_counted_alike(shared: Shop) -> None:
    def counted() -> list[str]:
        lines = shared.client.get("/metrics").text.splitlines()
        return [line for line in lines if line.startswith("kairos_requests_total") and f'route="{PATH}"' in line]

    both(shared, b"{}")
    before = counted()
    both(shared, b"{}")
    (changed,) = set(counted()) - set(before)
    (old,) = [line for line in before if line.startswith(changed.rpartition(" ")[0])]
    assert float(changed.split()[-1]) == float(old.split()[-1]) + 2


def test_what_the_door_refuses_never_reaches_the_lane(shared: Shop) -> None:
    assert both(shared, b" " * 600_000)[0] == 413
    assert both(shared, b"{}", **{"content-encoding": "br"})[0] == 415
    assert both(shared, b"a=1", **{"content-type": "application/x-www-form-urlencoded"})[0] == 415


def test_what_an_answer_raises_becomes_a_problem(shared: Shop) -> None:
    async def fail(_resources: Any, _wanted: bytes) -> bytes:
        raise ValueError("not of the request")

    with routes(shared, {("POST", PATH): Hot(bytes, fail)}):
        status, headers, text = posted(shared, b"{}")
    assert status == 500
    assert headers["content-type"] == "application/problem+json"
    assert "not of the request" not in text

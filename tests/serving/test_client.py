"""The client against answers that are hard to come by, and against the running service."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log
from serving.calling.answers import RecommendationAnswer
from serving.calling.calls import Call
from serving.calling.errors import (
    Conflict,
    Forbidden,
    Invalid,
    KairosError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    Unreachable,
    Unreadable,
)
from serving.calling.retries import Retries
from serving.client import AsyncClient, Client
from tests.serving.server import Server
from tests.serving.world import DRINKER, LEAVES, make_key
from tests.waiting import PATIENCE

URL, KEY = "http://kairos.test", "sk_secret"
Answers = Callable[[httpx.Request], httpx.Response]
YES = httpx.Response(202, json={"new": True})


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    told = {"Content-Type": "application/problem+json", **headers}
    return httpx.Response(status, content=msgspec.json.encode({"code": code, "detail": "so it is"}), headers=told)


class Scripted:
    """Answers one after the other, as a service in trouble does; keeps what came and how long was waited."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.came: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.came.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def rest(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def consent(self, blocking: bool, retries: Retries | None = None) -> Any:
        """One call by the blocking or the async client: they must not differ."""
        asked: dict[str, Any] = {"subject": {"user_id": "u"}, "channel": "email", "consent": "granted"}
        transport = httpx.MockTransport(self)
        if blocking:
            with Client(URL, KEY, retries=retries, transport=transport, sleep=self.pauses.append) as client:
                return client.consents.create(**asked)

        async def call() -> Any:
            async with AsyncClient(URL, KEY, retries=retries, transport=transport, sleep=self.rest) as client:
                return await client.consents.create(**asked)

        return asyncio.run(call())


both = pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "async"])


@both
def test_what_passes_is_tried_again_after_what_was_asked_for_under_the_same_key(blocking: bool) -> None:
    script = Scripted(
        problem(429, "rate_limited", **{"Retry-After": "3"}),
        httpx.ConnectError("refused"),
        problem(503, "storage_unavailable", **{"Retry-After": "2"}),
        YES,
    )
    assert script.consent(blocking).new
    asked, nothing, storage = script.pauses
    assert 3 <= asked <= 3.2
    assert nothing <= 0.4
    assert 2 <= storage <= 2.8
    assert len({request.headers["idempotency-key"] for request in script.came}) == 1
    assert len({request.content for request in script.came}) == 1
    assert {request.headers["authorization"] for request in script.came} == {"Bearer sk_secret"}


@both
def test_two_calls_are_two_keys(blocking: bool) -> None:
    script = Scripted(YES, YES)
    script.consent(blocking)
    script.consent(blocking)
    assert script.came[0].headers["idempotency-key"] != script.came[1].headers["idempotency-key"]


@both
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(401, "unauthorized"), Unauthorized),
        (problem(403, "forbidden_scope"), Forbidden),
        (problem(404, "unknown_decision"), NotFound),
        (problem(422, "validation_error"), Invalid),
        (problem(422, "idempotency_conflict"), Conflict),
        (problem(429, "rate_limited", **{"Retry-After": "3600"}), RateLimited),
        (httpx.Response(302, headers={"Location": "https://elsewhere.test"}), Invalid),
        (httpx.Response(200, text="<html>Welcome to the proxy</html>"), Unreadable),
        (httpx.Response(200, json={"old": True}), Unreadable),
    ],
)
def test_what_does_not_pass_is_told_at_once(blocking: bool, answer: httpx.Response, error: type[KairosError]) -> None:
    script = Scripted(answer)
    with pytest.raises(error):
        script.consent(blocking)
    assert len(script.came) == 1
    assert not script.pauses


@both
def test_after_the_last_attempt_the_last_error_is_told_and_never_the_key(blocking: bool) -> None:
    script = Scripted(*[problem(502, "")] * 2, httpx.ReadTimeout("too slow"))
    with pytest.raises(Unreachable, match="/v1/consents: ReadTimeout too slow") as told:
        script.consent(blocking, Retries(attempts=3))
    assert len(script.pauses) == 2
    assert KEY not in str(told.value)


@both
def test_a_page_that_cannot_wait_tries_once(blocking: bool) -> None:
    script = Scripted(problem(503, "timeout", **{"Retry-After": "1"}))
    with pytest.raises(Unavailable) as told:
        script.consent(blocking, Retries(attempts=1))
    assert told.value.retry_after == 1
    assert not script.pauses


def test_text_of_a_kind_of_its_own_is_sent_as_text_and_what_json_lacks_is_refused_in_words() -> None:
    message, script = EmailMessage(), Scripted(YES)
    message["Message-ID"] = "<dec_1@shop.example>"
    with Client(URL, KEY, transport=httpx.MockTransport(script)) as client:
        client.decisions.outcome(decision_id="dec_1", type="opened", message_id=message["Message-ID"])
        assert msgspec.json.decode(script.came[0].content)["message_id"] == "<dec_1@shop.example>"
        with pytest.raises(TypeError, match="EmailMessage cannot be sent"):
            client.decisions.outcome(decision_id="dec_1", type="opened", message_id=message)  # type: ignore[typeddict-item]
    assert len(script.came) == 1


def test_what_cannot_work_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="keys create"):
        Client(URL, "")
    with pytest.raises(ValueError, match="no address"):
        AsyncClient("kairos.test", KEY)


@pytest.fixture
def kairos(server: Server) -> Iterator[Client]:
    with Client(server.url, make_key(server.folder, "sk"), timeout=PATIENCE) as client:
        yield client


def logged(folder: Path, table: Any) -> int:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    count = sum(len(part) for part in Log(engine, table).scan())
    engine.dispose()
    return count


@pytest.mark.slow
def test_from_an_event_to_a_sent_message_with_the_running_service(server: Server, kairos: Client) -> None:
    product: dict[str, Any] = {"product_id": "tea-1", "quantity": 2, "price": 3.5, "currency": "EUR"}
    at = datetime.now(UTC) - timedelta(hours=3)
    assert kairos.events.track(event="Product Added", user_id="c1", properties=product, timestamp=at).accepted == 1
    assert kairos.catalog.put([{"item_id": "tea-1", "title": "Tea", "category": "drinks/tea"}]).items == 1
    shown = kairos.recommendations.create(subject={"user_id": DRINKER}, placement="home", limit=2)
    assert len(shown.items) == 2
    assert shown.model.name == "recommender"
    assert shown.expires_at.tzinfo is not None
    (cart,) = [one for one in kairos.carts.abandoned(limit=1_000).carts if one.subject.user_id == "c1"]
    assert [(item.item_id, item.quantity) for item in cart.items] == [("tea-1", 2)]
    trigger = {"id": cart.trigger.id, "type": cart.trigger.type, "at": cart.trigger.at}
    asked: dict[str, Any] = {"decision_point": "cart_recovery", "subject": {"user_id": "c1"}, "trigger": trigger}
    decision = kairos.decisions.create(**asked)
    assert kairos.decisions.create(**asked) == decision
    assert kairos.decisions.check(decision_id=decision.decision_id).send in (True, False)
    assert kairos.consents.create(subject={"user_id": "c1"}, channel="email", consent="withdrawn").new
    assert not kairos.decisions.check(decision_id=decision.decision_id).send


@pytest.mark.slow
def test_a_job_that_runs_again_gets_the_same_bytes_and_is_logged_once(server: Server, kairos: Client) -> None:
    def run() -> Any:
        return kairos.recommendations.batch(
            subjects=[{"user_id": DRINKER}], placement="email", idempotency_key="newsletter-1"
        )

    first, before = run(), logged(server.folder, DECISIONS)
    assert run() == first
    assert logged(server.folder, DECISIONS) == before
    with pytest.raises(Conflict) as told:
        kairos.recommendations.batch(
            subjects=[{"user_id": "somebody"}], placement="email", idempotency_key="newsletter-1"
        )
    assert told.value.code == "idempotency_conflict"


class Lossy(httpx.BaseTransport):
    """Loses the first answer on the way back: the worst moment, since what was asked for is done."""

    def __init__(self) -> None:
        self.real = httpx.HTTPTransport()
        self.lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.real.handle_request(request)
        if not self.lost:
            self.lost += 1
            response.read()
            response.close()
            raise httpx.ReadError("lost on the way", request=request)
        return response

    def close(self) -> None:
        self.real.close()


@pytest.mark.slow
def test_an_event_whose_acknowledgement_is_lost_is_sent_again_and_counts_once(server: Server) -> None:
    before, lossy = logged(server.folder, EVENTS), Lossy()
    with Client(server.url, make_key(server.folder, "sk"), timeout=PATIENCE, transport=lossy) as kairos:
        answer = kairos.events.track(event="Product Viewed", user_id="lost", properties={"product_id": "tea-2"})
    assert lossy.lost == 1
    assert (answer.accepted, answer.duplicates) == (0, 1)
    assert logged(server.folder, EVENTS) == before + 1


@pytest.mark.slow
def test_a_batch_whose_answer_is_lost_is_answered_again_and_not_logged_twice(server: Server) -> None:
    before, lossy = logged(server.folder, DECISIONS), Lossy()
    with Client(server.url, make_key(server.folder, "sk"), timeout=PATIENCE, transport=lossy) as kairos:
        answer = kairos.recommendations.batch(subjects=[{"user_id": "lost"}], placement="home")
    assert lossy.lost == 1
    assert len(answer.answers) == 1
    assert logged(server.folder, DECISIONS) == before + 1


@pytest.mark.slow
def test_refusals_of_the_running_service_are_errors_with_their_fields(server: Server, kairos: Client) -> None:
    with pytest.raises(Invalid) as wrong:
        kairos.recommendations.create(filter="prize < 20", limit=2)
    assert wrong.value.errors[0].pointer == "/filter"
    assert wrong.value.request_id
    with pytest.raises(NotFound, match="unknown_decision"):
        kairos.decisions.check(decision_id="dec_nobody")
    with (
        Client(server.url, make_key(server.folder, "pk"), timeout=PATIENCE) as public,
        pytest.raises(Forbidden, match="decisions:write"),
    ):
        public.decisions.check(decision_id="dec_nobody")
    with Client(server.url, "sk_wrong", timeout=PATIENCE) as stranger, pytest.raises(Unauthorized):
        stranger.recommendations.create()


@pytest.mark.slow
def test_many_at_once_by_the_async_client(server: Server) -> None:
    async def ask() -> list[RecommendationAnswer]:
        async with AsyncClient(server.url, make_key(server.folder, "sk"), timeout=PATIENCE) as kairos:
            asked = [kairos.recommendations.create(subject={"user_id": f"many-{n}"}, limit=3) for n in range(20)]
            return await asyncio.gather(*asked)

    found = asyncio.run(ask())
    assert len({answer.recommendation_id for answer in found}) == 20
    assert all(answer.items for answer in found)


@pytest.mark.slow
def test_what_has_no_method_is_sent_in_the_same_way(kairos: Client) -> None:
    told = {"batch": [{"type": "track", "event": "Product Viewed", "properties": {"product_id": LEAVES[0]}}]}
    assert "events" in kairos.send(Call("/v1/events/validate", told, dict))

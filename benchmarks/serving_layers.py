"""What BentoML's middleware and FastAPI cost a request, which `serving/service.py` and `serving/lane.py` go around.

    python -m benchmarks.serving_layers

CPU time of one thread in one process without a socket, the fastest of several sweeps: each layer around the same
constant answer of ten recommended items, and without it. Prints, writes nothing.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import bentoml
import typer
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.lane import Hot, Lane, Routes
from serving.resources import Resources
from serving.schemas import ModelReference, Reason, RecommendationAnswer, RecommendationRequest, RecommendedItem

_PATH = "/v1/recommendations"
_BODY = b'{"subject": {"user_id": "u1"}, "placement": "home", "limit": 10}'
_SWEEPS, _REQUESTS = 9, 1_000
_REASON = Reason(code="bought_with", item_id="0", text="Bought together with milk")
_ANSWER = RecommendationAnswer(
    recommendation_id="rec_0",
    placement="home",
    strategy="main",
    degraded=False,
    items=[
        RecommendedItem(
            item_id=str(rank),
            rank=rank,
            score=1 / rank,
            source="main",
            reasons=[_REASON],
            fields={"title": "Milk", "price": "2.50", "currency": "EUR", "url": "https://shop.example/milk"},
        )
        for rank in range(1, 11)
    ],
    model=ModelReference(name="recommender", version="1", alias="champion"),
    expires_at=datetime(2026, 11, 22, tzinfo=UTC),
)

fastapi = FastAPI()


@fastapi.post(_PATH)
async def recommend(body: RecommendationRequest) -> RecommendationAnswer:  # noqa: ARG001
    """Whatever is asked, the same answer."""
    return _ANSWER


async def _json(_resources: Resources, _request: RecommendationRequest) -> bytes:
    return _ANSWER.model_dump_json().encode()


hot: Routes = {("POST", _PATH): Hot(RecommendationRequest.model_validate_json, _json)}
lane = Lane(fastapi, hot)
fastapi.state.resources = None

inside = FastAPI()
inside.add_middleware(Lane, hot=hot)
inside.state.resources = None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The lane, where our own application stands under BentoML."""
    scope["app"] = fastapi
    await lane(scope, receive, send)


@bentoml.service(
    name="layers",
    workers=1,
    traffic={"timeout": 30},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
@bentoml.asgi_app(application, path="/")
class Layers:
    """As `serving.service.Kairos` is declared."""


async def cost(app: ASGIApp) -> float:
    """CPU microseconds a request."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": _BODY, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    sweeps = []
    for _ in range(_SWEEPS):
        began = time.thread_time()
        for _ in range(_REQUESTS):
            sent.clear()
            await app(_scope(), receive, send)
        sweeps.append((time.thread_time() - began) / _REQUESTS * 1e6)
        if sent[0]["status"] != 200:
            raise RuntimeError(f"answered {sent[0]['status']}")
    return min(sweeps)


def _scope() -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    place = {"path": _PATH, "raw_path": _PATH.encode(), "root_path": "", "query_string": b"", "scheme": "http"}
    peers = {"client": ("127.0.0.1", 4_000), "server": ("127.0.0.1", 80)}
    return {"type": "http", "http_version": "1.1", "method": "POST", **place, **peers, "headers": headers, "state": {}}


def main() -> None:
    """Measure, print."""
    alone, routed = asyncio.run(cost(application)), asyncio.run(cost(fastapi))
    around = asyncio.run(cost(inside))
    wrapped = asyncio.run(cost(Layers.to_asgi(is_main=True)))  # type: ignore[attr-defined]  # BentoML made a service of it
    typer.echo(f"by the lane {alone:.0f} us a request")
    typer.echo(f"FastAPI adds {routed - alone:.0f} us, BentoML {wrapped - alone:.0f} us")
    typer.echo(f"what FastAPI puts around the lane itself {around - alone:.0f} us")


if __name__ == "__main__":
    typer.run(main)

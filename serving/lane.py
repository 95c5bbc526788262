"""The hot routes, answered ahead of FastAPI: the same schemas and use cases without what it adds around them.

That is 52 to 59 µs of CPU for a recommendation (`benchmarks/serving_layers.py`).

Everything that every request passes stands in front (`Door`: id, key, limits, gunzip, the clock, errors, metrics), and
the route of FastAPI remains behind: whatever a reader does not take is passed on to it, so that a wrong request gets
its answer, and the answer its words, from one place alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.door import again
from serving.resources import Resources

Wanted = TypeVar("Wanted")


@dataclass(frozen=True)
class Hot(Generic[Wanted]):
    """One hot route: `read` makes a request of the body or raises ValueError, `answer` makes JSON of the request.

    `read` has no effect but its result, as FastAPI reads the body again when it raises. pydantic's and msgspec's errors
    are both ValueErrors. What `answer` raises is answered as it would be behind FastAPI.
    """

    read: Callable[[bytes], Wanted]
    answer: Callable[[Resources, Wanted], Awaitable[bytes]]

    async def body(self, resources: Resources, given: bytes) -> bytes | None:
        """The body of a 200; None for a request that FastAPI has to look at."""
        try:
            wanted = self.read(given)
        except ValueError:
            return None
        return await self.answer(resources, wanted)


Routes = Mapping[tuple[str, str], Hot[Any]]
"""By method and path."""


class Lane:
    """ASGI middleware behind `Door`, which has read the body: a hot route is answered, any other passed on."""

    def __init__(self, app: ASGIApp, hot: Routes) -> None:
        self.app = app
        self.hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for."""
        hot = self.hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if hot is None:
            return await self.app(scope, receive, send)
        message = await receive()
        body = await hot.body(scope["app"].state.resources, message["body"])
        if body is None:
            return await self.app(scope, again(message, receive), send)
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return None

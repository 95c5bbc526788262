"""What is seen of a request from outside: its id on every record, a span, the counts, and a line in the log on demand.

By route template, method, status and key, never by path, query, address or person.
"""

import random
import re
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access.scopes import template_of
from serving.logs import REQUEST_ID, log_access
from serving.resources import Resources

UNMATCHED = "unmatched"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Seen:
    """ASGI middleware, the outermost: every request gets its id here and is counted when its answer is over."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._ids = random.Random()  # noqa: S311  # no secrets; asking the system each time lets other threads go first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        resources: Resources = scope["app"].state.resources
        metrics, tracing = resources.metrics, resources.tracing
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        state = scope.setdefault("state", {})
        state["request_id"] = given if _REQUEST_ID.fullmatch(given) else f"{self._ids.getrandbits(128):032x}"
        REQUEST_ID.set(state["request_id"])
        method, route = scope["method"], template_of(scope["path"]) or UNMATCHED
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        metrics.in_flight.add(amount=1)
        try:
            with tracing.request(method, headers) as span:
                try:
                    await self.app(scope, receive, watched)
                finally:
                    tracing.answered(span, method, route, status)
        finally:
            seconds = time.perf_counter() - started
            metrics.in_flight.add(amount=-1)
            metrics.count_request(method, route, status, seconds)
            if (code := state.get("problem")) is not None:
                metrics.refusals.add(route, code)
            if resources.settings.access_log:
                log_access(method, route, status, seconds, getattr(state.get("caller"), "key_id", None))
        return None

"""What every request passes on its way in and out: an id, a size limit, gunzip, the clock, and one answer to errors."""

import asyncio
import logging
import re
import time
import traceback
import uuid
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Refused, problem_response
from serving.resources import Resources

UNMATCHED = "unmatched"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
_BEACON = "text/plain"
_GZIP = 31

log = logging.getLogger(__name__)


class Door:
    """ASGI middleware; the outermost of the app, so that no error leaves as anything but problem+json.

    Bodies are limited by the settings, those of `batches` by the larger limit: counted after gunzip and while reading,
    so that neither a bomb nor a lying Content-Length fills the memory. Browsers' beacons cannot send
    `application/json`; their `text/plain` is read as JSON too, as Segment does. A request is given up after
    `give_up_seconds`, one of the `patient` paths after its own time.
    """

    def __init__(
        self, app: ASGIApp, batches: Collection[str], give_up_seconds: float, patient: Mapping[str, float]
    ) -> None:
        self.app = app
        self.batches = batches
        self.give_up_seconds = give_up_seconds
        self.patient = patient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        resources: Resources = scope["app"].state.resources
        settings = resources.settings
        limit = settings.max_batch_bytes if scope["path"] in self.batches else settings.max_event_bytes
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status: list[int] = []

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            async with asyncio.timeout(self.patient.get(scope["path"], self.give_up_seconds)):
                body = await _body(scope, receive, limit)
                await self.app(scope, _replay(body, receive), tagged)
        except Exception as error:  # the last catch: whatever it was becomes an answer without a stack trace
            if status:
                raise
            response = problem_response(error, request_id)
            if response.status_code >= 500 and not isinstance(error, Refused):
                _report(error, request_id, mistake=response.status_code == 500)
            await response(scope, receive, tagged)
        seconds = time.perf_counter() - started
        resources.metrics.count_request(scope["method"], _template(scope), status[-1], seconds)
        return None


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    headers = Headers(scope=scope)
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise Refused("unsupported_media_type", f"Content-Encoding {encoding!r} is not known; send gzip or none")
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    inflate = zlib.decompressobj(_GZIP) if encoding != "identity" else None
    parts: list[bytes] = []
    size = received = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("malformed_json", "The client went away in the middle of the body")
        more = message.get("more_body", False)
        part = message.get("body", b"")
        received += len(part)
        if inflate is not None:
            part = _inflated(inflate, part, limit + 1 - size)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    if received and inflate is not None and not inflate.eof:
        raise Refused("malformed_json", "The gzip body ends too early")
    if size:
        _check_type(scope, headers)
    return b"".join(parts)


def _inflated(inflate: Any, part: bytes, most: int) -> bytes:
    try:
        return bytes(inflate.decompress(part, most))
    except zlib.error:
        raise Refused("malformed_json", "The body is not gzip, though Content-Encoding says so") from None


def _check_type(scope: Scope, headers: Headers) -> None:
    media_type = headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if not _JSON.fullmatch(media_type) and media_type != _BEACON:
        raise Refused("unsupported_media_type", f"Content-Type {media_type!r} is not known; send application/json")
    MutableHeaders(scope=scope)["content-type"] = "application/json"


def _template(scope: Scope) -> str:
    """The path template of the request, also of one that was refused before it reached its route."""
    found = getattr(scope.get("route"), "path", "")  # inside BentoML its own mount stands there first, as ""
    if not found:
        found = next((known.path for known in scope["app"].routes if known.path == scope["path"]), "")
    return str(found or UNMATCHED)


def _too_large(limit: int) -> Refused:
    return Refused("payload_too_large", f"The body has more than {limit} bytes after gunzip, the limit of this path")


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [body]

    async def replayed() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed


def _report(error: Exception, request_id: str, mistake: bool) -> None:
    """What kind of error it was, and where when it is ours; the message of an exception may hold a person's id."""
    places = "".join(traceback.format_tb(error.__traceback__)) if mistake else ""
    log.error("request %s failed with %s\n%s", request_id, type(error).__name__, places)

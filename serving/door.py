"""What every request passes on its way in and out: a key, a size limit, gunzip, the clock, and one answer to errors."""

import asyncio
import logging
import random
import re
import traceback
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access.guard import ANYBODY, Caller
from serving.access.scopes import template_of
from serving.access.security_headers import PAGE, headers_of
from serving.access.security_headers import Headers as Added
from serving.console.error_page import error_page, is_page
from serving.json_limits import check_json
from serving.problems import Refused, code_of, problem_response
from serving.resources import Resources

_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json", re.IGNORECASE)
_BEACON = "text/plain"
_FORM = "application/x-www-form-urlencoded"
_PROBES = frozenset({"/livez", "/routez", "/readyz", "/metrics", "/v1/version"})
_GZIP = 31
_CLOSE = (b"connection", b"close")
_ELSEWHERE = 1 / 32
"""The share of answers of a crowded worker that end their connection. Workers share one socket, and whichever is first
takes a connection for as long as it lives: of 64 opened while nobody asked, one of two workers had 59. Whoever opens
another one then is taken by a worker that has time."""

log = logging.getLogger(__name__)


class Door:
    """ASGI middleware; behind `Seen` the outermost, so that no error leaves as anything but problem+json.

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
        self._chance = random.Random()  # noqa: S311  # no secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        resources: Resources = scope["app"].state.resources
        settings = resources.settings
        limit = settings.max_batch_bytes if scope["path"] in self.batches else settings.max_event_bytes
        state = scope["state"]
        request_id = state["request_id"]
        template = template_of(scope["path"])
        added = PAGE if is_page(scope["path"]) else headers_of(template)
        status: list[int] = []

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                caller: Caller = state.get("caller", ANYBODY)
                own = [(name.lower().encode(), value.encode()) for name, value in caller.headers.items()]
                own.append((b"x-request-id", request_id.encode()))
                if resources.places.crowded and self._chance.random() < _ELSEWHERE:
                    own.append(_CLOSE)
                message["headers"] = _without([*message.get("headers", ()), *own], added)
            await send(message)

        try:
            async with asyncio.timeout(self.patient.get(scope["path"], self.give_up_seconds)):
                if asked := await resources.guard.preflight(scope, template):
                    await asked(scope, receive, tagged)
                else:
                    state["caller"] = await resources.guard.let_in(scope, template)
                    body = await _body(scope, receive, limit)
                    if not is_page(scope["path"]):
                        check_json(body)
                    message = {"type": "http.request", "body": body, "more_body": False}
                    await self._serve(scope, again(message, receive), tagged, resources)
        except Exception as error:  # the last catch: whatever it was becomes an answer without a stack trace
            if status:
                raise
            state["problem"] = code_of(error)
            response = answer_to(error, scope, request_id)
            if response.status_code >= 500 and not isinstance(error, Refused):
                _report(error, request_id, mistake=response.status_code == 500)
            await response(scope, receive, tagged)
        return None

    async def _serve(self, scope: Scope, receive: Receive, send: Send, resources: Resources) -> None:
        """In a place of its own, so that overload is told early; a probe needs none."""
        path = scope["path"]
        if path in _PROBES:
            return await self.app(scope, receive, send)
        places = resources.batch_places if path in self.patient else resources.places
        await places.enter()
        try:
            await self.app(scope, receive, send)
        finally:
            places.leave()


def answer_to(error: Exception, scope: Scope, request_id: str) -> Response:
    """The answer to a request that ended with an error: a page below /console, problem+json anywhere else."""
    return error_page(error, Request(scope)) if is_page(scope["path"]) else problem_response(error, request_id)


def _without(given: Added, added: Added) -> Added:
    """The headers of an answer, and those of `added` that it does not bring itself."""
    names = {name.lower() for name, _ in given}
    return [*given, *(pair for pair in added if pair[0] not in names)]


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
    if is_page(scope["path"]):
        if media_type != _FORM:
            raise Refused("unsupported_media_type", f"Content-Type {media_type!r} is not known; send a form, {_FORM}")
        return
    if not _JSON.fullmatch(media_type) and media_type != _BEACON:
        raise Refused("unsupported_media_type", f"Content-Type {media_type!r} is not known; send application/json")
    MutableHeaders(scope=scope)["content-type"] = "application/json"


def _too_large(limit: int) -> Refused:
    return Refused("payload_too_large", f"The body has more than {limit} bytes after gunzip, the limit of this path")


def again(message: Message, receive: Receive) -> Receive:
    """A `receive` that gives `message` first: what was read already is read once more behind."""
    pending = [message]

    async def received() -> Message:
        return pending.pop() if pending else await receive()

    return received


def _report(error: Exception, request_id: str, mistake: bool) -> None:
    """What kind of error it was, and where when it is ours; the message of an exception may hold a person's id."""
    places = "".join(traceback.format_tb(error.__traceback__)) if mistake else ""
    log.error("request %s failed with %s\n%s", request_id, type(error).__name__, places)

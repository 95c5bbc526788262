"""`Idempotency-Key`: a POST that is sent again does nothing again, and gets the answer that was given.

draft-ietf-httpapi-idempotency-key-header-07. Events count once by their `messageId` and decisions by their question, so
neither needs it.
"""

import hashlib
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access.guard import Caller
from serving.access.scopes import NEEDS
from serving.door import again
from serving.kept_answers import Begun, KeptAnswer, OtherRequest, Running
from serving.problems import Refused
from serving.resources import Resources

_OWN = frozenset({"/v1/decisions", "/v1/decisions/batch", "/v1/decisions/check", "/v1/restock/carts/feedback"})
"""A decision is the same until it expires, a check asks for what holds now; feedback keeps its keys in the log."""

_LONGEST_KEY = 255
_MOST_BYTES = 2_000_000


class Idempotency:
    """ASGI middleware behind `Door`, which has read the body and let the caller in.

    Only an answer that did something, of status 2xx, is kept, and before it is sent: whoever did not get it gets it by
    asking again. An error frees the key, since the request may be mended; a request that was cut off holds it for a
    minute, as what it began may still go on. Keys of two callers, or for two addresses, have nothing to do with each
    other.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks for."""
        key = None
        if scope["type"] == "http" and scope["method"] == "POST" and takes_key(scope["path"]):
            key = Headers(scope=scope).get("idempotency-key")
        if key is None:
            return await self.app(scope, receive, send)
        resources: Resources = scope["app"].state.resources
        message = await receive()
        name, request = _name(scope, key), hashlib.sha256(message["body"]).hexdigest()
        try:
            begun = await resources.in_thread(resources.kept_answers.begin, name, request, resources.clock())
        except Running:
            raise Refused("idempotency_running", "") from None
        except OtherRequest:
            raise Refused("idempotency_conflict", "") from None
        if isinstance(begun, KeptAnswer):
            return await _send(send, begun)
        await self._run(scope, again(message, receive), send, resources, begun)
        return None

    async def _run(self, scope: Scope, receive: Receive, send: Send, resources: Resources, begun: Begun) -> None:
        messages: list[Message] = []

        async def held(message: Message) -> None:
            messages.append(message)

        try:
            await self.app(scope, receive, held)
        except Exception:
            await resources.in_thread(resources.kept_answers.give_up, begun)
            raise
        status = messages[0]["status"]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if 200 <= status < 300 and len(body) <= _MOST_BYTES:
            media_type = Headers(raw=messages[0]["headers"]).get("content-type", "application/json")
            answer = KeptAnswer(status, media_type, body)
            with suppress(SQLAlchemyError):  # it is done, and "nothing was accepted" would be wrong
                await resources.in_thread(resources.kept_answers.finish, begun, answer)
        else:
            await resources.in_thread(resources.kept_answers.give_up, begun)
        for message in messages:
            await send(message)


def takes_key(path: str) -> bool:
    """Whether a POST to `path` may come under an `Idempotency-Key`."""
    return NEEDS.get(path, "events:write") != "events:write" and path not in _OWN


def _name(scope: Scope, key: str) -> str:
    """The key within its caller and path, as a hash: whatever a client puts into it is not kept."""
    value = key.strip().strip('"')
    if not 0 < len(value) <= _LONGEST_KEY:
        raise Refused("validation_error", f"Idempotency-Key has 1 to {_LONGEST_KEY} characters")
    caller: Caller = scope["state"]["caller"]
    return hashlib.sha256("\0".join((caller.key_id or "", scope["path"], value)).encode()).hexdigest()


async def _send(send: Send, answer: KeptAnswer) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"idempotent-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

"""A client in Python, blocking or async: typed calls and errors, retries that wait as they are told, keys for them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from typing import Self, TypeVar

import httpx
import msgspec

from serving.calling.calls import Call
from serving.calling.errors import KairosError, Unreachable, Unreadable, problem_of
from serving.calling.groups import Groups
from serving.calling.retries import Retries
from serving.release import VERSION

T = TypeVar("T")


class Client(Groups["Client"]):
    """Calls the service at `url` with a key. One for a whole program: it keeps connections, and threads may share it.

        with Client("http://localhost:3000", "sk_…") as client:
            client.recommendations.create(subject={"user_id": "u_81"}, placement="cart", limit=8)

    Raises a `KairosError`: `Unreachable`, `Unreadable`, or a `Problem` with the `code` that the service told.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 5.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=_address(url), headers=_headers(key), timeout=timeout, transport=transport)
        self._retries, self._sleep, self._chance = retries or Retries(), sleep, random.SystemRandom().random
        super().__init__(self)

    def send(self, call: Call[T]) -> T:
        """The answer to a call, after as many attempts as it takes and `retries` allow."""
        for attempt in count(1):
            try:
                return _answer(self._http.send(_request(self._http, call)), call)
            except httpx.TransportError as error:
                failed: KairosError = _unreachable(error, call)
            except KairosError as error:
                failed = error
            pause = self._retries.pause(attempt, failed, self._chance())
            if pause is None:
                raise failed
            self._sleep(pause)
        raise AssertionError("count ends never")

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Groups["AsyncClient"]):
    """The same for an event loop: every call is to be awaited."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 5.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=_address(url), headers=_headers(key), timeout=timeout, transport=transport
        )
        self._retries, self._sleep, self._chance = retries or Retries(), sleep, random.SystemRandom().random
        super().__init__(self)

    async def send(self, call: Call[T]) -> T:
        """The answer to a call, after as many attempts as it takes and `retries` allow."""
        for attempt in count(1):
            try:
                return _answer(await self._http.send(_request(self._http, call)), call)
            except httpx.TransportError as error:
                failed: KairosError = _unreachable(error, call)
            except KairosError as error:
                failed = error
            pause = self._retries.pause(attempt, failed, self._chance())
            if pause is None:
                raise failed
            await self._sleep(pause)
        raise AssertionError("count ends never")

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no address of a service; give one like https://kairos.shop.example")
    return url


def _headers(key: str) -> dict[str, str]:
    if not key:
        raise ValueError("the key is empty; `python -m pipelines keys create sk` makes one")
    return {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "User-Agent": f"kairos-python/{VERSION}",
    }


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[T]) -> httpx.Request:
    headers = {} if call.key is None else {"Idempotency-Key": call.key}
    body = msgspec.json.encode(call.body, enc_hook=_plain)
    return http.build_request(call.method, call.path, content=body, headers=headers)


def _plain(value: object) -> str:
    """Text of a kind of its own, as a mail's headers are. Raises TypeError for what JSON has no form for."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON; give text, numbers, dates, lists or dictionaries")


def _answer(response: httpx.Response, call: Call[T]) -> T:
    if not response.is_success:
        raise problem_of(response.status_code, response.headers, response.content, datetime.now(UTC))
    try:
        return msgspec.json.decode(response.content, type=call.answer)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"{call.path} answered what is no {call.answer.__name__}: {error}") from None


def _unreachable(error: httpx.TransportError, call: Call[T]) -> Unreachable:
    return Unreachable(f"no answer from {call.path}: {type(error).__name__} {error}".rstrip())

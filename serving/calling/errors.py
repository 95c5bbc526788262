"""What a call can end with, for whoever catches it: one type for each way out, read from problem+json."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

_LONGEST_TEXT = 300


class WrongField(msgspec.Struct, frozen=True):
    """A field of the request that is wrong; the pointer leads into the body (RFC 6901)."""

    pointer: str = ""
    code: str = ""
    detail: str = ""


class KairosError(Exception):
    """Base of everything that a call raises. `passing` says that the same call may succeed a little later."""

    passing = False
    retry_after: float | None = None


class Unreachable(KairosError):
    """No answer came: the address does not answer, or not in time. Whether the call did something is not known."""

    passing = True


class Unreadable(KairosError):
    """An answer of 2xx which is not what this version of the client knows: another server, or a proxy's page."""


class Problem(KairosError):
    """The service refused. `code` is stable and listed in docs/http.md; `request_id` finds the line in its log."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        request_id: str = "",
        errors: tuple[WrongField, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        told = "".join(f"; {error.pointer}: {error.detail}" for error in errors)
        super().__init__(f"{status} {code}: {detail}{told}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.errors = errors
        self.retry_after = retry_after


class Unauthorized(Problem):
    """No key, or none that is live. `python -m pipelines keys create sk` makes one."""


class Forbidden(Problem):
    """The key is live and may not do this; the detail names the scope."""


class NotFound(Problem):
    """There is no such path, cart, decision or job, or what there was has expired."""


class Invalid(Problem):
    """The request is wrong and stays so; `errors` point at the fields."""


class Conflict(Problem):
    """The `Idempotency-Key` belongs to another request, or to one that still runs; only the latter passes."""


class RateLimited(Problem):
    """Too many calls. The client has already waited as long as it was told to, or was told to wait too long."""

    passing = True


class Unavailable(Problem):
    """The service cannot answer now. Nothing that it had not acknowledged counts."""

    passing = True


_BY_CODE: Mapping[str, type[Problem]] = {"idempotency_conflict": Conflict, "promotion_refused": Invalid}
_BY_STATUS: Mapping[int, type[Problem]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: RateLimited,
}


class _Details(msgspec.Struct):
    code: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""
    errors: tuple[WrongField, ...] = ()


def problem_of(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Problem:
    """The error that an answer of 4xx or 5xx is; something in between may have answered without problem+json.

    >>> str(problem_of(404, {}, b'{"code": "unknown_cart", "detail": "No such cart"}', datetime.now(UTC)))
    '404 unknown_cart: No such cart'
    """
    try:
        told = msgspec.json.decode(body, type=_Details)
    except msgspec.MsgspecError:
        told = _Details(detail=body[:_LONGEST_TEXT].decode("utf-8", "replace").strip())
    kind = _BY_CODE.get(told.code) or _BY_STATUS.get(status) or (Unavailable if status >= 500 else Invalid)
    error = kind(
        status,
        told.code or "http_error",
        told.detail or told.title or "the answer says nothing more",
        told.request_id or headers.get("x-request-id", ""),
        told.errors,
        seconds_of(headers.get("retry-after"), now),
    )
    error.passing = kind.passing or (status == 409 and kind is Conflict)
    return error


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """How long `Retry-After` asks to wait: it holds seconds, or a date as proxies write it (RFC 9110, 10.2.3).

    >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> seconds_of("3", noon), seconds_of("Sat, 21 Nov 2026 12:00:09 GMT", noon), seconds_of("soon", noon)
    (3.0, 9.0, None)
    """
    if retry_after is None:
        return None
    seconds = retry_after.strip()  # of more characters than `float` does
    if seconds.isdecimal():
        return float(seconds)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp())

"""Every error that the service answers with, as RFC 9457 problem details; one table from exceptions to statuses."""

import queue
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DatabaseError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from features.fields import EventRejected
from serving.rules.syntax import FilterError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of error: its status, its title, what it means in words, and after how many seconds to try again."""

    status: int
    title: str
    meaning: str
    retry_after: int | None = None


KINDS: dict[str, Kind] = {
    "unauthorized": Kind(
        401,
        "No key that opens this",
        "Send an API key as `Authorization: Bearer`, as the user name of Basic, or as `X-API-Key`. `python -m "
        "pipelines keys create` makes one, `python -m pipelines keys list` says which are live.",
    ),
    "forbidden_scope": Kind(
        403,
        "The key may not do this",
        "The detail names the scope that the key lacks, and which kind of key can have it.",
    ),
    "forbidden_origin": Kind(
        403,
        "Not from this page",
        "A page of the web may use only a publishable key (pk) that names the page's origin: `python -m pipelines keys "
        "create pk --origin https://shop.example`. Every other key belongs into a back end.",
    ),
    "malformed_json": Kind(400, "The body is not JSON", "The body could not be read as JSON in UTF-8, or as gzip."),
    "not_found": Kind(404, "There is nothing here", "No endpoint has this path. /v1/docs lists them all."),
    "unknown_cart": Kind(
        404, "There is no such cart", "No prepared cart has this id or token. Ask /v1/restock/carts for a new one."
    ),
    "unknown_job": Kind(404, "There is no such job", "No job has this id; old ones are deleted with their receipts."),
    "unknown_decision": Kind(
        404, "There is no such decision", "No decision has this id. Ask /v1/decisions for a new one."
    ),
    "method_not_allowed": Kind(
        405, "The method is not allowed here", "The path exists, but not for this method. The header Allow names those."
    ),
    "cart_expired": Kind(
        410,
        "The cart has expired",
        "What was prepared is no longer what is needed. Ask /v1/restock/carts for a new one.",
    ),
    "payload_too_large": Kind(
        413, "The body is too large", "The body, after gunzip, is over the limit. Split a batch; trim an event."
    ),
    "unsupported_media_type": Kind(
        415, "The body has a wrong type", "Send JSON as application/json, plain or with Content-Encoding: gzip."
    ),
    "validation_error": Kind(
        422, "Request is not valid", "Each entry of errors points at a field and says what would be right."
    ),
    "promotion_refused": Kind(
        409,
        "The evidence does not carry it",
        "The version did not pass the gate, was judged against another champion, or there is none to go back to; the "
        "detail says which, and what to run.",
    ),
    "idempotency_running": Kind(
        409, "The same request runs now", "A request with this Idempotency-Key is not answered yet. Send it again.", 1
    ),
    "idempotency_conflict": Kind(
        422, "The key was used for something else", "Send the same body with this Idempotency-Key, or take another key."
    ),
    "rate_limited": Kind(
        429,
        "Too many requests",
        "The key or the address is over its limit, or writing to disk cannot keep up; the detail and the RateLimit "
        "headers say which. Send again after Retry-After seconds.",
        1,
    ),
    "model_unavailable": Kind(
        503,
        "No model is live",
        "No version of the model `recommender` carries the alias `champion` yet. Run `python -m pipelines train "
        "recommender`, then `python -m pipelines promote`; the running service follows within seconds. Restocking "
        "needs `python -m pipelines train replenishment` in the same way.",
        5,
    ),
    "nobody_scored": Kind(
        503,
        "Nobody was scored",
        "There is no table of who is due. Run `python -m pipelines restock score`; the service follows within seconds.",
        60,
    ),
    "storage_unavailable": Kind(
        503,
        "The database does not answer",
        "Whether it may be done stands in the database, or there is no room left on the disk. Nothing was accepted; "
        "send again after Retry-After seconds.",
        2,
    ),
    "timeout": Kind(503, "The answer took too long", "The request was given up. Send again after Retry-After.", 1),
    "internal_error": Kind(500, "Something went wrong", "A mistake of ours. The log holds more under the request id."),
}

_STATUSES = {
    KINDS[code].status: code
    for code in (
        "malformed_json",
        "not_found",
        "method_not_allowed",
        "payload_too_large",
        "unsupported_media_type",
        "validation_error",
    )
}


class InvalidField(BaseModel):
    """One field that is wrong. The pointer leads into the body (RFC 6901); of a query parameter it is the name."""

    pointer: str
    code: str
    detail: str


class InvalidFilter(InvalidField):
    """A filter that cannot be used: where in its text, from 1, and the columns there are where one is not known."""

    position: int
    columns: list[str]


class ProblemDetails(BaseModel):
    """RFC 9457. `code` is stable and meant for programs; `message` repeats the title, as Segment's clients print it."""

    type: str = Field(examples=["/v1/problems/validation_error"])
    title: str
    status: int
    detail: str
    instance: str = Field(examples=["urn:request:5f0c"])
    code: str
    request_id: str
    errors: list[InvalidFilter | InvalidField] = []
    message: str


class Refused(Exception):
    """Ends a request with the problem `code` of `KINDS`."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Sequence[InvalidField] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers


EXCEPTIONS: Mapping[type[BaseException], str] = {
    EventRejected: "validation_error",
    RequestValidationError: "validation_error",
    FilterError: "validation_error",
    queue.Full: "rate_limited",
    DatabaseError: "storage_unavailable",
    InterfaceError: "storage_unavailable",
    PoolTimeout: "storage_unavailable",
    TimeoutError: "timeout",
    Exception: "internal_error",
}
"""Which problem an exception is. The nearest ancestor counts."""


def code_of(error: Exception) -> str:
    """Which of `KINDS` an exception is."""
    return read_problem(error)[0]


def problem_response(error: Exception, request_id: str) -> Response:
    """The answer to a request that ended with `error`."""
    code, detail, errors, headers = read_problem(error)
    kind = KINDS[code]
    problem = ProblemDetails(
        type=f"/v1/problems/{code}",
        title=kind.title,
        status=kind.status,
        detail=detail or kind.meaning,
        instance=f"urn:request:{request_id}",
        code=code,
        request_id=request_id,
        errors=errors,
        message=kind.title,
    )
    if kind.retry_after is not None:
        headers.setdefault("Retry-After", str(kind.retry_after))
    return Response(problem.model_dump_json(), kind.status, headers, MEDIA_TYPE)


def read_problem(error: Exception) -> tuple[str, str, list[InvalidField], dict[str, str]]:
    """The code of an error, what is told of it, the fields that are wrong, and the headers of the answer."""
    if isinstance(error, Refused):
        return error.code, error.detail, error.errors, dict(error.headers)
    if isinstance(error, HTTPException):
        return _STATUSES.get(error.status_code, "internal_error"), "", [], dict(error.headers or {})
    if isinstance(error, RequestValidationError):
        return _validation(error)
    if isinstance(error, EventRejected):
        return "validation_error", "", [InvalidField(pointer=error.pointer, code=error.code, detail=error.detail)], {}
    if isinstance(error, FilterError):
        told = InvalidFilter(
            pointer="/filter",
            code="filter_error",
            detail=f"{error}, at character {error.position}",
            position=error.position,
            columns=list(error.columns),
        )
        return "validation_error", f"The filter cannot be used: {told.detail}", [told], {}
    return next(EXCEPTIONS[ancestor] for ancestor in type(error).__mro__ if ancestor in EXCEPTIONS), "", [], {}


def _validation(error: RequestValidationError) -> tuple[str, str, list[InvalidField], dict[str, str]]:
    errors = []
    for found in error.errors():
        if found["type"] == "json_invalid":
            return "malformed_json", f"The body is not JSON: {found['ctx']['error']}", [], {}
        errors.append(InvalidField(pointer=_pointer(found["loc"][1:]), code=found["type"], detail=found["msg"]))
    return "validation_error", f"{len(errors)} {'field is' if len(errors) == 1 else 'fields are'} wrong", errors, {}


def _pointer(path: Sequence[int | str]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)

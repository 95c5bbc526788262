"""Problems: one table from exceptions to answers, whose every entry is what a client was promised."""

import json
import queue
import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from features.fields import EventRejected
from serving.problems import KINDS, InvalidField, ProblemDetails, Refused, problem_response


class OurMistake(KeyError):
    """Something that no table knows."""


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EventRejected("/userId", "missing", "x"), 422, "validation_error"),
        (queue.Full(), 429, "rate_limited"),
        (OperationalError("select", {}, sqlite3.OperationalError("locked")), 503, "storage_unavailable"),
        (IntegrityError("insert", {}, sqlite3.IntegrityError("x")), 503, "storage_unavailable"),
        (InterfaceError("select", {}, sqlite3.InterfaceError("x")), 503, "storage_unavailable"),
        (PoolTimeout("no connection"), 503, "storage_unavailable"),
        (TimeoutError(), 503, "timeout"),
        (HTTPException(404), 404, "not_found"),
        (HTTPException(405, headers={"Allow": "GET"}), 405, "method_not_allowed"),
        (HTTPException(400), 400, "malformed_json"),
        (HTTPException(418), 500, "internal_error"),
        (Refused("model_unavailable", ""), 503, "model_unavailable"),
        (OurMistake("secret"), 500, "internal_error"),
    ],
)
def test_every_exception_has_its_answer(error: Exception, status: int, code: str) -> None:
    response = problem_response(error, "r1")
    body = ProblemDetails.model_validate_json(bytes(response.body))
    assert (response.status_code, body.status, body.code) == (status, status, code)
    assert response.media_type == "application/problem+json"
    assert body.detail
    assert b"secret" not in response.body
    assert ("retry-after" in response.headers) == (status in (429, 503))
    if status == 405:
        assert response.headers["allow"] == "GET"


def test_errors_are_told_with_their_pointers() -> None:
    errors = [InvalidField(pointer="/a~1b/0", code="missing", detail="d")]
    body = json.loads(bytes(problem_response(Refused("validation_error", "two", errors), "r1").body))
    assert body["errors"] == [{"pointer": "/a~1b/0", "code": "missing", "detail": "d"}]
    assert body["detail"] == "two"


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_says_what_it_means(code: str) -> None:
    kind = KINDS[code]
    assert 400 <= kind.status < 600
    assert kind.title
    assert kind.meaning.endswith(".")
    assert (kind.retry_after is not None) == (kind.status in (429, 503) or code == "idempotency_running")

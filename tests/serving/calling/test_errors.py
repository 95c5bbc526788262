"""Every code that the service has becomes an error that says what to do, and no answer of a proxy breaks the client."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.calling import errors
from serving.calling.errors import problem_of, seconds_of
from serving.problems import KINDS, InvalidField, Refused, problem_response

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TYPES = {
    "unauthorized": errors.Unauthorized,
    "forbidden_scope": errors.Forbidden,
    "forbidden_origin": errors.Forbidden,
    "malformed_json": errors.Invalid,
    "not_found": errors.NotFound,
    "unknown_cart": errors.NotFound,
    "unknown_job": errors.NotFound,
    "unknown_decision": errors.NotFound,
    "method_not_allowed": errors.Invalid,
    "cart_expired": errors.NotFound,
    "payload_too_large": errors.Invalid,
    "unsupported_media_type": errors.Invalid,
    "validation_error": errors.Invalid,
    "idempotency_running": errors.Conflict,
    "idempotency_conflict": errors.Conflict,
    "promotion_refused": errors.Invalid,
    "rate_limited": errors.RateLimited,
    "model_unavailable": errors.Unavailable,
    "nobody_scored": errors.Unavailable,
    "storage_unavailable": errors.Unavailable,
    "timeout": errors.Unavailable,
    "internal_error": errors.Unavailable,
}


@pytest.mark.parametrize("code", KINDS)
def test_every_code_of_the_service_has_its_type_and_passes_or_stays(code: str) -> None:
    wrong = InvalidField(pointer="/limit", code="less_than", detail="at most 100")
    response = problem_response(Refused(code, "so it is", [wrong]), "r-1")
    found = problem_of(response.status_code, response.headers, bytes(response.body), NOW)
    assert type(found) is TYPES[code]
    assert (found.status, found.code, found.request_id) == (KINDS[code].status, code, "r-1")
    assert found.errors == (errors.WrongField(pointer="/limit", code="less_than", detail="at most 100"),)
    assert str(found) == f"{found.status} {code}: so it is; /limit: at most 100 (request r-1)"
    assert found.retry_after == KINDS[code].retry_after
    assert found.passing is (code == "idempotency_running" or found.status in (429, *range(500, 600)))


@given(st.integers(400, 599), st.binary(max_size=2_000))
def test_whatever_a_proxy_answers_is_a_problem_of_a_bounded_length(status: int, body: bytes) -> None:
    found = problem_of(status, {}, body, NOW)
    assert found.status == status
    assert len(str(found)) < 1_000


@given(st.integers(-10_000, 10_000))
def test_a_date_to_come_back_at_is_the_time_until_then_and_never_negative(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert seconds_of(date, NOW) == max(0, seconds)


@given(st.text(max_size=40))
@example("0\x1f")
def test_no_retry_after_can_break_it(text: str) -> None:
    found = seconds_of(text, NOW)
    assert found is None or found >= 0

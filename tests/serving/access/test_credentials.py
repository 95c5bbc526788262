"""Reading the key: three ways to send it, one key; what cannot be read is refused and not passed over."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.access.credentials import presented
from serving.problems import Refused

SECRET = "sk_" + "a" * 43


def asked(*headers: tuple[str, str]) -> str | None:
    return presented({"headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}).secret


def basic(user: str, password: str = "") -> tuple[str, str]:
    return "authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        ("authorization", f"Bearer {SECRET}"),
        ("authorization", f"bearer   {SECRET} "),
        ("x-api-key", SECRET),
        basic(SECRET),
        basic(SECRET, "whatever"),
    ],
)
def test_a_key_is_read_wherever_it_stands(header: tuple[str, str]) -> None:
    assert asked(header) == SECRET


def test_the_same_key_twice_is_one_key_and_two_are_none() -> None:
    assert asked(("authorization", f"Bearer {SECRET}"), ("x-api-key", SECRET), basic(SECRET)) == SECRET
    for other in (("x-api-key", SECRET + "b"), ("authorization", "Bearer x"), basic("y")):
        with pytest.raises(Refused) as refused:
            asked(("authorization", f"Bearer {SECRET}"), other)
        assert refused.value.code == "unauthorized"


def test_no_key_is_no_key() -> None:
    assert asked() is None
    assert asked(("authorization", "Bearer "), ("x-api-key", "")) is None
    assert asked(basic("")) is None


@given(st.binary(max_size=60))
def test_whatever_stands_there_is_a_key_or_refused(value: bytes) -> None:
    with suppress(Refused):
        found = presented({"headers": [(b"authorization", value)]}).secret
        assert found is None or value.strip().lower().startswith((b"bearer", b"basic"))


def test_a_refusal_says_how_to_come_back() -> None:
    for value in (b"Digest abc", b"Basic !!", b"sk_abc"):
        with pytest.raises(Refused) as refused:
            presented({"headers": [(b"authorization", value)]})
        assert "WWW-Authenticate" in refused.value.headers

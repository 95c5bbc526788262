"""Keys: nobody can guess one, nothing that is kept gives one back, and none can have more than its kind."""

import string
from datetime import UTC, datetime, timedelta
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.access.keys import digest_of, issue, well_formed
from serving.access.scopes import GRANTS, Kind

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(GRANTS))
def test_a_key_has_256_bits_and_is_kept_as_a_hash(kind: Kind) -> None:
    issued = issue(kind, "shop", NOW)
    alphabet = string.ascii_letters + string.digits
    letters = issued.secret.removeprefix(f"{kind}_")
    assert set(letters) <= set(alphabet)
    assert len(letters) * log2(len(alphabet)) >= 256
    assert issued.secret not in repr(issued.key)
    assert issued.secret.startswith(issued.key.prefix)
    assert len(letters) - len(issued.key.prefix.removeprefix(f"{kind}_")) >= 35
    assert issued.key.digest == digest_of(issued.secret)
    assert issued.key.scopes == GRANTS[kind]
    assert well_formed(issued.secret)


def test_letters_are_drawn_from_all_of_the_alphabet_and_no_two_keys_are_alike() -> None:
    made = [issue("sk", "", NOW).secret for _ in range(200)]
    assert len(set(made)) == 200
    assert set("".join(made).replace("sk_", "")) == set(string.ascii_letters + string.digits)


@given(st.text(max_size=60))
def test_hardly_anything_is_well_formed(text: str) -> None:
    assert not well_formed(text)


def test_what_a_kind_cannot_have_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"pk cannot have decisions:write; it can have events:write, recomm"):
        issue("pk", "", NOW, scopes=["decisions:write"])
    with pytest.raises(ValueError, match="only a publishable key"):
        issue("sk", "", NOW, origins=["https://shop.example"])
    with pytest.raises(ValueError, match="without any scope"):
        issue("sk", "", NOW, scopes=[])
    with pytest.raises(ValueError, match="there are pk, sk, adm"):
        issue("root", "", NOW)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="already"):
        issue("sk", "", NOW, expires_at=NOW)


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/", "https://*.example", "null", "https://a b"]
)
def test_an_origin_is_written_as_browsers_do(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        issue("pk", "", NOW, origins=[origin])


def test_a_key_ends_at_its_time() -> None:
    key = issue("sk", "", NOW, expires_at=NOW + timedelta(hours=1)).key
    assert key.alive(NOW + timedelta(minutes=59))
    assert not key.alive(NOW + timedelta(hours=1))
    assert key.state(NOW + timedelta(hours=1)) == "expired"

"""A wrong word in a setting is told when settings are read, whatever the verb would have come to need of it."""

import pytest
from pydantic import ValidationError

from pipelines.settings import Settings


@pytest.mark.parametrize("address", ["local", "ray", "127.0.0.1:6379", "head.shop:6379", "[::1]:6379"])
def test_an_engine_is_taken_as_it_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_ENGINE", address)
    assert Settings().engine == address


@pytest.mark.parametrize(
    "address", ["spark", "", "Ray", "http://somewhere:80", "ray://head:10001", "head:", ":6379", "head:x"]
)
def test_another_word_is_no_engine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAIROS_ENGINE", address)
    with pytest.raises(ValidationError, match=r"KAIROS_ENGINE='.*' is unknown; use `local`, `ray`, or `host:port`"):
        Settings()

"""Where a request comes from: nobody can choose the address that is limited, unless a proxy of ours says it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.access.addresses import Addresses, site


def scope(host: str, forwarded: str, port: int = 4_000) -> dict[str, Any]:
    return {"client": (host, port), "headers": [(b"x-forwarded-for", forwarded.encode())]}


@given(st.text(max_size=40))
def test_without_trusted_proxies_the_header_is_nothing(forwarded: str) -> None:
    assert Addresses().of(scope("203.0.113.7", forwarded)) == "203.0.113.7"


@given(st.lists(st.sampled_from(["1.2.3.4", "10.0.0.9", "x", "::1"]), max_size=4))
def test_what_the_caller_writes_left_of_our_proxy_is_nothing(made_up: list[str]) -> None:
    forwarded = ", ".join([*made_up, "198.51.100.4", "10.0.0.2"])
    assert Addresses(["10.0.0.0/8"]).of(scope("10.0.0.1", forwarded)) == "198.51.100.4"


def test_a_peer_that_is_no_proxy_speaks_for_itself() -> None:
    assert Addresses(["10.0.0.1"]).of(scope("203.0.113.7", "198.51.100.4")) == "203.0.113.7"


def test_what_uvicorn_took_from_the_header_is_taken_back() -> None:
    """uvicorn believes a peer on this machine, and writes what it says as the client, with port 0."""
    assert Addresses().of(scope("198.51.100.4", "198.51.100.4", 0)) == "127.0.0.1"
    behind = Addresses(["127.0.0.1"]).of(scope("spoofed", "198.51.100.9, 198.51.100.4", 0))
    assert behind == "198.51.100.4"


def test_a_site_has_one_bucket_for_all_its_addresses() -> None:
    assert site("2001:db8:1:2::5") == site("2001:db8:1:2:ffff::6") != site("2001:db8:1:3::5")
    assert site("anything") == site("else") == "unknown"


def test_a_proxy_that_is_no_address_ends_the_start() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Addresses(["proxy.example"])

"""Where a request comes from: the peer, or what a trusted proxy says of whom it speaks for."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.types import Scope as AsgiScope

Network = IPv4Network | IPv6Network
_SITE = 64
"""Bits of an IPv6 address that name a site: whoever has one has all addresses in it."""


class Addresses:
    """Tells addresses apart for limits. `proxies` are those in front of us, as addresses or networks.

    Raises ValueError where one of `proxies` is neither.
    """

    def __init__(self, proxies: Sequence[str] = ()) -> None:
        self._proxies: tuple[Network, ...] = tuple(ip_network(proxy.strip()) for proxy in proxies if proxy.strip())
        self._trusted = lru_cache(maxsize=4_096)(self._is_trusted)

    def of(self, scope: AsgiScope) -> str:
        """The address that is limited: of the peer, unless that is a proxy of ours.

        X-Forwarded-For is read from the right, where our own proxies write; the first address that is none of them is
        the caller's. What stands left of it the caller may have written.
        """
        host, port = scope.get("client") or ("", 1)
        if port == 0:
            # uvicorn took the caller's word: it believes a peer on this machine, and marks that by port 0
            host = "127.0.0.1"
        if self._proxies and self._trusted(host):
            told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
            for hop in filter(None, map(str.strip, reversed(told.split(",")))):
                host = hop
                if not self._trusted(host):
                    break
        return site(host)

    def trusted_peer(self, scope: AsgiScope) -> bool:
        """Whether the peer is a proxy of ours, so that what it says of whom it speaks for may be believed."""
        host, port = scope.get("client") or ("", 1)
        return bool(self._proxies) and self._trusted("127.0.0.1" if port == 0 else host)

    def _is_trusted(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in proxy for proxy in self._proxies)


@lru_cache(maxsize=4_096)
def site(host: str) -> str:
    """An IPv4 address as it is, of an IPv6 address the network of its site; anything else is one and the same.

    >>> site("203.0.113.7"), site("2001:db8::1"), site("2001:db8::ffff"), site("::ffff:203.0.113.7"), site("spoof\\n")
    ('203.0.113.7', '2001:db8::/64', '2001:db8::/64', '203.0.113.7', 'unknown')
    """
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, _SITE), strict=False))

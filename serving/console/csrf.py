"""That a change was asked for by a page of ours: the token of the session, and where the browser says it comes from.

Either would do in a browser of today; together they hold where one is missing (plain http sends no `Sec-Fetch-Site`,
the sign-in page has no session yet).
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers

_PERSON = b"kairos console csrf:"


def token_of(secret: bytes, session: str) -> str:
    """The token of a session, which nobody can make who lacks the secret of the shop.

    >>> token_of(b"a secret", "one") == token_of(b"a secret", "two")
    False
    """
    return hmac.new(secret, _PERSON + session.encode(), hashlib.sha256).hexdigest()


def same_token(told: str, expected: str) -> bool:
    """Whether a request brought the token, compared in constant time."""
    return hmac.compare_digest(told.encode("utf-8", "surrogatepass"), expected.encode())


def from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether the browser says that the request came from another site than the one it goes to, `host`.

    A program that is no browser says nothing, and has no cookies that it did not put there.

    >>> from_elsewhere(Headers({"sec-fetch-site": "cross-site"}), "shop.example")
    True
    >>> from_elsewhere(Headers({"origin": "https://shop.example"}), "shop.example")
    False
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None or (origin == "null" and site == "none"):
        return False
    try:
        told = urlsplit(origin).netloc.lower()
    except ValueError:
        return True
    return told != host.lower()

"""Headers that tell a browser what never to do with an answer of ours, whatever it is.

Strict-Transport-Security is the proxy's, who alone knows whether there is TLS for the name.
"""

from base64 import b64encode
from hashlib import sha256

Headers = list[tuple[bytes, bytes]]

ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
PRIVATE: Headers = [
    *ALWAYS,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
"""Of everything that is about a shop or a person: kept by no cache, shown in no frame, and no page of its own."""

PAGE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with none, browsers send `Origin: null` with a form of ours
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
]
"""Of the console: files of ours and nothing else, shown in no frame, kept by no cache."""

_PUBLIC = frozenset({"/v1/docs", "/v1/docs/{name}", "/v1/openapi.json", "/v1/problems/{code}"})


def headers_of(template: str) -> Headers:
    """What is added to each answer of a route; the page of the docs brings a policy of its own."""
    return ALWAYS if template in _PUBLIC else PRIVATE


def policy_for(inline_script: str) -> str:
    """The policy of a page that runs files of ours and one script in the page, known by its hash.

    Swagger UI sets styles in the page, and its icons are in its style sheet as data.
    """
    known = b64encode(sha256(inline_script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{known}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

"""Which pages of the web may call us: those that a publishable key names. No page may use any other key."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope as AsgiScope

from serving.access.scopes import GRANTS, NEEDS
from serving.problems import Refused

ANYWHERE = "*"
_METHODS = "GET, POST"
_HEADERS = "Authorization, Content-Type, Content-Encoding, X-API-Key, X-Request-Id, Idempotency-Key"
_EXPOSED = "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed"
_REMEMBERED_SECONDS = "600"


def is_preflight(scope: AsgiScope) -> bool:
    """Whether a browser asks if it may ask."""
    headers = Headers(scope=scope)
    return scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def page_of(scope: AsgiScope, template: str) -> str:
    """The page of a preflight. Raises Refused, `forbidden_origin`, for what no publishable key can do."""
    if NEEDS.get(template) not in GRANTS["pk"]:
        raise Refused("forbidden_origin", "Nothing in a browser may call this; call it from your back end")
    return Headers(scope=scope)["origin"].lower()


def preflight(origin: str, origins: Collection[str]) -> Response:
    """The answer, which has no key to go by: a page that some live publishable key names may ask what such keys may.

    Raises Refused, `forbidden_origin`, for any other page.
    """
    if not allowed(origin, origins):
        raise Refused("forbidden_origin", f"No publishable key names {origin}; make one with `--origin {origin}`")
    told = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _REMEMBERED_SECONDS,
        "Vary": "Origin",
    }
    return Response(status_code=204, headers=told)


def allowed(origin: str, origins: Collection[str]) -> bool:
    """Whether a page is among those that are named."""
    return origin in origins or ANYWHERE in origins


def shared_with(origin: str) -> dict[str, str]:
    """The headers that let the page read the answer. Credentials of its browser are never asked for."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED, "Vary": "Origin"}

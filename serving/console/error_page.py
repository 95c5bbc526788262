"""An error as a page for people; what a program gets for the same error is problem+json."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.console.frame import SIGN_IN, SignInFirst, show
from serving.console.words import msgid
from serving.problems import KINDS, read_problem

_TITLES = (
    msgid("No key that opens this"),
    msgid("The key may not do this"),
    msgid("Not from this page"),
    msgid("The body is not JSON"),
    msgid("There is nothing here"),
    msgid("There is no such decision"),
    msgid("The method is not allowed here"),
    msgid("The body is too large"),
    msgid("The body has a wrong type"),
    msgid("Request is not valid"),
    msgid("The evidence does not carry it"),
    msgid("Too many requests"),
    msgid("The database does not answer"),
    msgid("The answer took too long"),
    msgid("Something went wrong"),
)
"""Titles of problems that a page may end with, here for whoever collects what there is to translate."""


def is_page(path: str) -> bool:
    """Whether people look at what this path answers."""
    return path == "/console" or path.startswith("/console/")


def error_page(error: Exception, request: Request) -> Response:
    """The page for whoever opened one that cannot be shown; without a session the sign-in page instead."""
    if isinstance(error, SignInFirst):
        back = request.url.path if request.method == "GET" else "/console"
        query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
        address = f"{SIGN_IN}?next={quote(back + query, safe='')}"
        if request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)
    code, detail, errors, headers = read_problem(error)
    kind = KINDS[code]
    told = [f"{one.pointer.lstrip('/')}: {one.detail}" for one in errors]
    request_id = request.scope["state"]["request_id"]
    response = show(
        request, "error.html", kind.status, code=code, detail=detail, errors=told, request_id=request_id, kind=kind
    )
    if kind.retry_after is not None:
        headers.setdefault("Retry-After", str(kind.retry_after))
    response.headers.update(headers)
    return response

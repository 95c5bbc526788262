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
    msgid("There is nothing here"),
    msgid("There is no such decision"),
    msgid("The method is not allowed here"),
    msgid("Request is not valid"),
    msgid("The evidence does not carry it"),
    msgid("Too many requests"),
    msgid("No model is live"),
    msgid("Nobody was scored"),
    msgid("The database does not answer"),
    msgid("The answer took too long"),
    msgid("Something went wrong"),
)
"""Titles of problems that a page may end with, here for whoever collects what there is to translate."""

TITLES = {
    "malformed_json": msgid("What was sent cannot be read"),
    "payload_too_large": msgid("What was sent is too long"),
    "unsupported_media_type": msgid("What was sent is of another kind"),
}
"""What a page says instead of a title that speaks of bodies, which only programs know."""

MEANINGS = {
    "unauthorized": msgid("Sign in with a key that is live."),
    "forbidden_scope": msgid(
        "Your key or your role does not open this. Whoever runs the service can make one that does."
    ),
    "forbidden_origin": msgid("The page was opened in another session, or by another site. Open it again from here."),
    "not_found": msgid("No page has this address, or what it was about is not there any more."),
    "unknown_decision": msgid("No decision has this number, or it is not kept any more."),
    "method_not_allowed": msgid("This address is not a page to look at. Go on from the overview."),
    "malformed_json": msgid("It broke off on the way, or something in between has changed it. Open the page again."),
    "unsupported_media_type": msgid(
        "It did not come from a form of this console. Open the page again and use its own."
    ),
    "model_unavailable": msgid(
        "No model that answers this is live yet. The page Models says how to train the first one."
    ),
    "nobody_scored": msgid("There is no forecast, or it is too old. Whoever runs the service makes a new one."),
    "payload_too_large": msgid("Shorten it and send it again."),
    "validation_error": msgid("Something in the address or in a field of the form cannot be right; see which:"),
    "promotion_refused": msgid("The evidence does not carry this change."),
    "rate_limited": msgid("The console is asked more than it can answer. Wait a moment and open the page again."),
    "storage_unavailable": msgid("Nothing was changed. Wait some seconds and open the page again."),
    "timeout": msgid("The page was given up. Open it again."),
}
"""What a problem means to whoever looks at a page, by its code; the service's own words stand beneath."""

_OTHERWISE = msgid("That is a mistake of ours. Whoever runs the service finds it in the log, under the number below.")


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
        request,
        "error.html",
        kind.status,
        meaning=MEANINGS.get(code, _OTHERWISE),
        detail=detail or kind.meaning,
        errors=told,
        request_id=request_id,
        title=TITLES.get(code, kind.title),
    )
    if kind.retry_after is not None:
        headers.setdefault("Retry-After", str(kind.retry_after))
    response.headers.update(headers)
    return response

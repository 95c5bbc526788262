"""Signing in by a key for administration, signing out, and choosing the language."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from serving.console.catalogues import LOCALES
from serving.console.csrf import from_elsewhere
from serving.console.frame import LANGUAGE, SIGN_IN, Viewer, inside, show
from serving.console.people import COOKIE
from serving.console.session import role_of
from serving.console.session_table import LASTS
from serving.problems import Refused
from serving.resources import Resources

_YEAR = 365 * 24 * 3600

router = APIRouter(include_in_schema=False)


@router.get(SIGN_IN)
def sign_in_page(request: Request, next: Annotated[str, Query(max_length=2_000)] = "") -> Response:  # noqa: A002
    """The form; whoever is signed in already goes on."""
    resources: Resources = request.app.state.resources
    if resources.console.of(request, "en") is not None:
        return RedirectResponse(inside(next), 303)
    return show(request, "sign_in.html", next=inside(next), why=None)


@router.post(SIGN_IN)
def sign_in(
    request: Request,
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=2_000)] = "",  # noqa: A002
) -> Response:
    """A session for whoever knows a key; why not for whoever does not."""
    resources: Resources = request.app.state.resources
    people = resources.console
    if from_elsewhere(request.headers, people.host(request)):
        raise Refused("forbidden_origin", "Only a page of this console may ask for a change")
    people.sign_out(request)
    try:
        token, found = people.sign_in(request, key)
    except Refused as refused:
        if refused.code != "unauthorized":
            raise
        return show(request, "sign_in.html", 401, next=inside(next), why=refused.detail)
    resources.acts.write(resources.clock(), found.prefix, role_of(found.scopes), "signed_in", "")
    response = RedirectResponse(inside(next), 303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LASTS.total_seconds()),
        path="/console",
        secure=people.secure(request),
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/console/sign-out")
def sign_out(request: Request, _: Viewer) -> Response:
    """The end of the session, here and for whoever holds a copy of the cookie."""
    resources: Resources = request.app.state.resources
    resources.console.sign_out(request)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="lax")
    return response


@router.get("/console/language")
def language(
    request: Request,
    to: Annotated[str, Query(max_length=10)] = "en",
    next: Annotated[str, Query(max_length=2_000)] = "",  # noqa: A002
) -> Response:
    """The same page in another language, from now on."""
    resources: Resources = request.app.state.resources
    target = SIGN_IN if next.startswith(SIGN_IN) else inside(next)
    response = RedirectResponse(target, 303)
    if to in LOCALES:
        secure = resources.console.secure(request)
        response.set_cookie(LANGUAGE, to, _YEAR, path="/console", secure=secure, httponly=True, samesite="lax")
    return response

"""What every page of the console stands in: who may open it, in which language, and the template that shows it."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends
from fastapi import Request as Asked
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serving.console.catalogues import LOCALES, preferred
from serving.console.charts import Cell, Column
from serving.console.csrf import from_elsewhere, same_token
from serving.console.pages import ADDRESSES, PAGES
from serving.console.session import Session
from serving.console.words import Words
from serving.problems import Refused
from serving.resources import Resources

LANGUAGE = "kairos_language"
SIGN_IN = "/console/sign-in"
STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"
_READS = frozenset({"GET", "HEAD"})


class SignInFirst(Exception):
    """Ends a request that came without a session; the answer leads to the sign-in page and back."""


def language(request: Request) -> str:
    """The language that was chosen, else the one that the browser asks for."""
    chosen = request.cookies.get(LANGUAGE)
    return chosen if chosen in LOCALES else preferred(request.headers.get("accept-language", ""))


def _viewer(request: Asked) -> Session:
    resources: Resources = request.app.state.resources
    session = resources.console.of(request, language(request))
    if session is None:
        raise SignInFirst
    request.state.session = session
    if request.method not in _READS and from_elsewhere(request.headers, resources.console.host(request)):
        raise Refused("forbidden_origin", "Only a page of this console may ask for a change")
    return session


async def _asks_from_here(request: Asked, session: Annotated[Session, Depends(_viewer)]) -> Session:
    """The token of the session, from the header or the form, on everything that changes something."""
    if request.method not in _READS:
        told = request.headers.get("x-csrf-token")
        if told is None:
            given = (await request.form()).get("csrf")
            told = given if isinstance(given, str) else ""
        if not same_token(told, session.csrf):
            raise Refused("forbidden_origin", "The page was opened in another session; open it again")
    return session


Viewer = Annotated[Session, Depends(_asks_from_here)]
"""Whoever is signed in. Raises SignInFirst for nobody, Refused for a change that no page of ours asks for."""


def _administrator(session: Viewer) -> Session:
    if session.role != "administrator":
        raise Refused("forbidden_scope", "Only an administrator may change this; sign in with a key that has `admin`")
    return session


def _sees_customers(session: Viewer) -> Session:
    if not session.sees_customers:
        raise Refused("forbidden_scope", "Pages about single customers need a key with the scope `customers:read`")
    return session


Administrator = Annotated[Session, Depends(_administrator)]
"""Whoever may change which model is live."""

SeesCustomers = Annotated[Session, Depends(_sees_customers)]
"""Whoever may look at single customers."""


def words_of(request: Request) -> Words:
    """The words of a request, for sentences that are made in Python."""
    return Words(language(request))


def show(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A page from `templates/`, with `content` beside what every page knows: words, session, navigation."""
    words = words_of(request)
    session: Session | None = getattr(request.state, "session", None)

    def cell(value: Cell, column: Column) -> str:
        if isinstance(value, str):
            return value
        shown = words.percent(value, column.digits) if column.unit == "%" else words.number(value, column.digits)
        return f"{shown}\xa0{column.unit}" if column.unit not in ("", "%") and value is not None else shown

    html = (
        _templates()
        .get_template(template)
        .render(
            {
                "_": words,
                "plural": words.plural,
                "words": words,
                "session": session,
                "pages": [page for page in PAGES if session and (session.sees_customers or not page.customers)],
                "here": request.url.path,
                "back": f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
                "static": static_address,
                "cell": cell,
                "languages": LOCALES,
                **content,
            }
        )
    )
    return HTMLResponse(html, status, {"Content-Language": words.locale, "Vary": "Cookie, Accept-Language"})


def static_address(name: str) -> str:
    """Where a file of `static/` is, with its hash: browsers keep it until it changes."""
    return f"/console/static/{name}?v={_version(name)}"


def inside(told: str) -> str:
    """Where to go on after signing in: a page of the console, whatever was asked for.

    >>> inside("/console/restock/day?on=2026-11-21")
    '/console/restock/day?on=2026-11-21'
    >>> inside("https://elsewhere.example"), inside("/console/../x"), inside("//x")
    ('/console', '/console', '/console')
    """
    try:
        parts = urlsplit(told)
    except ValueError:
        return PAGES[0].path
    plain = not parts.scheme and not parts.netloc and "\\" not in told and told.isprintable()
    if not plain or parts.path not in ADDRESSES:
        return PAGES[0].path
    return f"{parts.path}?{quote(parts.query, safe='=&%+,:-._~')}" if parts.query else parts.path


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""The page Visitor: search by any id, and everything about one customer, each part for itself.

Ids stand in forms that are posted, never in an address. With htmx each part is a request of its own, so a slow one
keeps nobody waiting; without JavaScript all parts come with the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, get_args

from babel.dates import format_datetime
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from features.simulated import is_made
from serving.console.event_words import event_text
from serving.console.frame import SeesCustomers, show, words_of
from serving.console.session import Session
from serving.console.visitor_words import ARMS, CONFIDENCE, MISSING, STATUS, TITLES, forecast_chart, name_of, reason
from serving.console.words import Words
from serving.placements import PlacementName
from serving.reports.person import subject_of
from serving.reports.visitor import told_of
from serving.reports.visitor_schemas import PARTS, Part, VisitorAnswer, VisitorRequest
from serving.resources import Resources
from serving.schemas import Subject

router = APIRouter(include_in_schema=False)
_PLACEMENTS: tuple[PlacementName, ...] = get_args(PlacementName)
_MOST = 256

Told = Annotated[str, Form(max_length=_MOST)]


@dataclass(frozen=True)
class Search:
    """What was searched for: an id, and what to preview."""

    id: str
    placement: PlacementName
    items: str

    def request(self, subject: Subject, parts: tuple[Part, ...], locale: str) -> VisitorRequest:
        """The question to the use case."""
        ids = tuple(dict.fromkeys(one for one in self.items.replace(",", " ").split() if len(one) <= _MOST))[:20]
        return VisitorRequest(
            subject=subject, placement=self.placement, item_ids=ids, parts=parts, locale=locale, limit=10
        )


@router.get("/console/visitor")
def search(request: Request, _: SeesCustomers) -> Response:
    """An empty search."""
    return show(request, "visitor.html", **_content(Search("", "home", "")))


@router.post("/console/visitor")
async def found(
    request: Request,
    session: SeesCustomers,
    id_: Annotated[str, Form(alias="id", max_length=_MOST)] = "",
    placement: Annotated[PlacementName, Form()] = "home",
    items: Told = "",
) -> Response:
    """The page of whom an id stands for; with htmx its frame, which fetches the parts."""
    resources: Resources = request.app.state.resources
    wanted = Search(id_.strip(), placement, items.strip())
    by_htmx = request.headers.get("hx-request") == "true"
    template = "visitor_person.html" if by_htmx else "visitor.html"
    if not wanted.id or "\x00" in wanted.id:
        return show(request, template, **_content(wanted))
    subject = await resources.previews.in_thread(subject_of, resources, wanted.id)
    if subject is None:
        suppressed = _is_suppressed(resources, wanted.id)
        return show(request, template, **_content(wanted, nobody=not suppressed, suppressed=suppressed))
    answer = await _asked(request, session, wanted, subject, () if by_htmx else PARTS)
    return show(request, template, **_content(wanted, subject, answer, _shown(words_of(request), answer)))


@router.post("/console/visitor/{part}")
async def of_part(
    request: Request,
    session: SeesCustomers,
    part: Part,
    kind: Annotated[str, Form(pattern="^(user|anonymous)$")],
    id_: Annotated[str, Form(alias="id", min_length=1, max_length=_MOST)],
    placement: Annotated[PlacementName, Form()] = "home",
    items: Told = "",
) -> Response:
    """One part, as a piece of the page."""
    wanted = Search(id_, placement, items)
    subject = Subject(user_id=id_) if kind == "user" else Subject(anonymous_id=id_)
    answer = await _asked(request, session, wanted, subject, (part,))
    shown = _shown(words_of(request), answer)
    return show(request, "visitor_part.html", part=part, **_content(wanted, subject, answer, shown))


async def _asked(
    request: Request, session: Session, wanted: Search, subject: Subject, parts: tuple[Part, ...]
) -> VisitorAnswer:
    resources: Resources = request.app.state.resources
    question = wanted.request(subject, parts, session.locale)
    return await told_of(resources, question, session.actor, session.role)


def _is_suppressed(resources: Resources, told: str) -> bool:
    return resources.privacy.suppressions.has(told, None) or resources.privacy.suppressions.has(None, told)


def _content(
    wanted: Search,
    subject: Subject | None = None,
    answer: VisitorAnswer | None = None,
    shown: Mapping[str, Any] | None = None,
    nobody: bool = False,
    suppressed: bool = False,
) -> dict[str, Any]:
    return {
        "wanted": wanted,
        "subject": subject,
        "told": answer,
        "nobody": nobody,
        "made": answer is not None and is_made(answer.customer_id),
        "suppressed": suppressed or (answer is not None and answer.suppressed),
        "placements": _PLACEMENTS,
        "parts": PARTS,
        "titles": TITLES,
        "missing": MISSING,
        "states": STATUS,
        "confidence": CONFIDENCE,
        "arms": ARMS,
        "reason": reason,
        "name_of": name_of,
        "shown": shown or {},
    }


def _shown(words: Words, answer: VisitorAnswer) -> dict[str, Any]:
    """What the templates cannot make themselves: events in words, and the chart of what is foreseen."""
    shown: dict[str, Any] = {"local": partial(_local, words)}
    if answer.events is not None:
        shown["events"] = [(event.at, event_text(words, event)) for event in answer.events]
    if answer.forecast is not None:
        shown["forecast"] = forecast_chart(words, answer.forecast, answer.restock_as_of)
        shown["days"] = sorted({day for item in answer.forecast.items for day in item.probability_due_by})
    return shown


def _local(words: Words, at: datetime) -> str:
    """A moment on the clock that it was told by, with the distance of that clock to UTC."""
    told = format_datetime(at, "medium", tzinfo=at.tzinfo, locale=words.locale)
    return f"{told} ({at.isoformat()[-6:]})" if at.utcoffset() else f"{told} (UTC)"

"""The customers of one day of the restock calendar, page by page, and as a file."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from serving.console.frame import SeesCustomers, show
from serving.console.session import Session
from serving.problems import Refused
from serving.reports.due_on import DueOn, due_on
from serving.reports.export import cell
from serving.resources import Resources

router = APIRouter(include_in_schema=False)
LEAST = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_PAGE = 50
_MOST = 5_000
_COLUMNS = ("customer_id", "probability", "needs", "packs", "last_bought")

Least = Annotated[float, Query(ge=0.01, le=1)]


@router.get("/console/restock/day")
async def day(request: Request, session: SeesCustomers, on: date, least: Least = 0.05) -> Response:
    """The first customers, by their ids."""
    return await _shown(request, session, on, least, "")


@router.post("/console/restock/day")
async def further(
    request: Request,
    session: SeesCustomers,
    on: Annotated[date, Form()],
    least: Annotated[float, Form(ge=0.01, le=1)],
    after: Annotated[str, Form(max_length=400)],
) -> Response:
    """Those behind the customer `after`, who must not stand in an address."""
    return await _shown(request, session, on, least, after)


@router.get("/console/restock/day.csv")
async def file(request: Request, session: SeesCustomers, on: date, least: Least = 0.05) -> Response:
    """All of them, at most 5,000. That somebody took them along is written down."""
    resources: Resources = request.app.state.resources
    rows = await resources.previews.in_thread(lambda: list(_everybody(resources, on, least)))
    resources.acts.write(
        resources.clock(), session.actor, session.role, "exported", f"restock {on}", f"{len(rows)} customers"
    )
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows([_COLUMNS, *rows])
    headers = {"Content-Disposition": f'attachment; filename="due-{on}.csv"', "Cache-Control": "no-store"}
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def _shown(request: Request, session: Session, on: date, least: float, after: str) -> Response:
    resources: Resources = request.app.state.resources
    found: DueOn | None = None
    refused = ""
    try:
        found = await resources.previews.in_thread(due_on, resources, on, least, after, _PAGE)
    except Refused as error:
        refused = error.code
    else:
        resources.acts.write(resources.clock(), session.actor, session.role, "looked", f"restock {on}")
    return show(request, "restock_day.html", on=on, least=least, choices=LEAST, found=found, refused=refused)


def _everybody(resources: Resources, on: date, least: float) -> Iterator[tuple[object, ...]]:
    after: str | None = ""
    count = 0
    while after is not None and count < _MOST:
        page = due_on(resources, on, least, after, min(500, _MOST - count))
        for one in page.customers:
            yield cell(one.customer_id), one.probability, cell(one.needs), one.packs, str(one.last_bought)
        count, after = count + len(page.customers), page.after

"""Use cases: the report `segments`, as it was computed last, and the customers of one segment as CSV."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from features.reports.segments import Segments
from serving.access.guard import Caller
from serving.openapi import problems
from serving.reports.export import MOST, exported
from serving.reports.kept import kept
from serving.resources import Resources

router = APIRouter(tags=["reports"])
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "one row a customer", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


@router.get("/v1/reports/segments", responses=problems("not_found"))
async def segments(request: Request) -> Segments:
    """Customers by recency, frequency and money, how likely they come back, and what those bought first who did.

    `python -m pipelines report segments` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept, resources, "segments", "", Segments)


@router.get(
    "/v1/reports/segments/customers",
    response_class=StreamingResponse,
    responses={**problems("not_found"), **_FILE},
)
async def customers(
    request: Request,
    segment: Annotated[str, Query(max_length=64, description="a `key` of the report, or `without-order`")],
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> StreamingResponse:
    """The customers of a segment of the report, in the order of their ids, as CSV for a spreadsheet.

    Ids that a spreadsheet would take for a formula have an apostrophe before them. Who does not want to be known, or
    left every channel, is left out, by any id of theirs. Every export is written down.
    """
    resources: Resources = request.app.state.resources
    caller: Caller = request.state.caller
    return await resources.in_thread(exported, resources, segment, limit, caller.key_id or "", "key")

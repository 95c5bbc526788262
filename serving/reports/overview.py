"""Use case: the report `overview`, asked over HTTP."""

from fastapi import APIRouter, Request

from features.reports.overview import Overview
from serving.openapi import problems
from serving.overview import overview
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/overview", responses=problems(), name="overview")
async def answer(request: Request) -> Overview:
    """Health, coverage, events and decisions, what was earned and whether that is proved, models, data maturity."""
    resources: Resources = request.app.state.resources
    return await resources.in_thread(overview, resources)

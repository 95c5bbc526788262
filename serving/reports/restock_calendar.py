"""Use case: the report `restock-calendar`, as it was computed last."""

from fastapi import APIRouter, Request

from features.reports.restock_calendar import RestockCalendar
from serving.openapi import problems
from serving.reports.kept import kept
from serving.resources import Resources

NAME = "restock-calendar"
router = APIRouter(tags=["reports"])


@router.get("/v1/reports/restock-calendar", responses=problems("not_found"))
async def restock_calendar(request: Request) -> RestockCalendar:
    """How many customers will need something on each day of six weeks, and how much of what within four.

    As of the end of the table of `restock score`. `POST /v1/restock/due` lists the customers of a day.
    `python -m pipelines report restock-calendar` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept, resources, NAME, "", RestockCalendar)

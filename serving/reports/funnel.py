"""Use case: the report `funnel` of a decision point, as it was computed last."""

from fastapi import APIRouter, Request

from features.reports.funnel import Funnel
from serving.openapi import problems
from serving.reports.kept import kept_of
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/funnel", responses=problems("not_found"))
async def funnel(request: Request, decision_point: str | None = None) -> Funnel:
    """What became of the decisions of a point, step by step until an order, by channel, argument and step.

    Of the first decision point when none is named. `python -m pipelines report funnel` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept_of, resources, "funnel", decision_point, Funnel)

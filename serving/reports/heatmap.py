"""Use case: the report `heatmap` of a decision point, as it was computed last."""

from fastapi import APIRouter, Request

from features.reports.heatmap import HeatMap
from serving.openapi import problems
from serving.reports.kept import kept_of
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/heatmap", responses=problems("not_found"))
async def heatmap(request: Request, decision_point: str | None = None) -> HeatMap:
    """How messages were answered by the hour of the week, with quiet hours and what is proved.

    Of the first decision point when none is named. `python -m pipelines report heatmap` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept_of, resources, "heatmap", decision_point, HeatMap)

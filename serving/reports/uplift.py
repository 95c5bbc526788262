"""Use case: the report `uplift` of a decision point, as it was computed last."""

from fastapi import APIRouter, Request

from features.reports.uplift import Uplift
from serving.openapi import problems
from serving.reports.kept import kept_of
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/uplift", responses=problems("not_found"))
async def uplift(request: Request, decision_point: str | None = None) -> Uplift:
    """What deciding has caused: orders and revenue a customer in the policy's group beside those of the holdout, of the
    shop's rule and of chance, with intervals, and the revenue that it brought.

    Of the first decision point when none is named. `python -m pipelines report uplift` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept_of, resources, "uplift", decision_point, Uplift)

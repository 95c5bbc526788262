"""Use case: the report `policy-value` of a decision point, as it was computed last."""

from fastapi import APIRouter, Request

from features.reports.policy_value import PolicyValue
from serving.openapi import problems
from serving.reports.kept import kept_of
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/policy-value", responses=problems("not_found"))
async def policy_value(request: Request, decision_point: str | None = None) -> PolicyValue:
    """What a decision of the live policy earns beside the shop's rule and chance, by several estimators, with
    intervals; what is chosen, what rules refuse, what it costs, and what the gate said last.

    Of the first decision point when none is named. `python -m pipelines report policy-value` computes it.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(kept_of, resources, "policy-value", decision_point, PolicyValue)

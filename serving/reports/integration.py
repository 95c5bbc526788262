"""Use case: the report `integration`, asked over HTTP."""

from fastapi import APIRouter, Request

from features.reports.integration import Integration
from serving.integration import integration
from serving.openapi import problems
from serving.resources import Resources

router = APIRouter(tags=["reports"])


@router.get("/v1/reports/integration", responses=problems(), name="integration")
async def answer(request: Request) -> Integration:
    """Event types with when they were last seen and how often, rejects with reasons, catalogue match, clock skew.

    `unknown_channels` are those by which people withdrew or agreed though the action bank does not name them, and
    `unknown_purposes` those for which they did though no channel of the bank has them; none are told while it cannot be
    read.
    """
    resources: Resources = request.app.state.resources
    return await resources.in_thread(
        integration,
        resources.reports.engine,
        resources.clock(),
        resources.bank.channels(),
        resources.bank.purposes(),
    )

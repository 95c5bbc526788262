"""Use case: what decisions may consist of, as it is configured now."""

from fastapi import APIRouter, Request

from serving.decisions.bank_schemas import BankAnswer
from serving.openapi import problems

router = APIRouter(tags=["decisions"])


@router.get("/v1/action-bank", responses=problems())
async def action_bank(request: Request) -> BankAnswer:
    """Channels, arguments, incentives and decision points, with their costs and limits."""
    return BankAnswer.of(request.app.state.resources.bank.now)

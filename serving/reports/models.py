"""Use case: the registered models over HTTP: their versions, promotion, rollback, and the record of who did what."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from features.reports.audit import Audit
from features.reports.models import Models
from serving.access.guard import Caller
from serving.openapi import problems
from serving.promoting import Change, Who, promote_version, roll_back
from serving.resources import Resources

_TEXT = r"^[^\x00]*$"
"""Whatever every database of ours can hold."""

router = APIRouter(tags=["reports"])
_CHANGING = problems(
    "promotion_refused", "malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited"
)


class Promote(BaseModel):
    """Which version of which model is to be live, and why."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=250, pattern=_TEXT, examples=["recommender"])
    version: str | None = Field(None, pattern=r"^\d{1,9}$", description="the challenger when left out", examples=["3"])
    why: str = Field(min_length=1, max_length=500, pattern=_TEXT, examples=["beats the champion on four weeks"])


class Rollback(BaseModel):
    """Which model is to go back to the version before, and why."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=250, pattern=_TEXT, examples=["recommender"])
    why: str = Field(min_length=1, max_length=500, pattern=_TEXT, examples=["complaints about the home page"])


class Moved(BaseModel):
    """What is live now, what was before, and the canary that a share of the customers gets. The service follows."""

    live: str
    replaced: str | None = None
    canary: str | None = None


@router.get("/v1/reports/models", responses=problems(), name="models")
async def models(request: Request) -> Models:
    """Every registered model with its latest versions, what they measured, and the gate's verdict on each."""
    resources: Resources = request.app.state.resources
    return await resources.in_thread(resources.versions.read)


@router.get("/v1/reports/audit", responses=problems(), name="audit")
async def audit(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="`number` of the last one that you have")] = None,
) -> Audit:
    """Who did what at the console, the newest first."""
    resources: Resources = request.app.state.resources
    now = resources.clock()
    return Audit(now, now, tuple(await resources.in_thread(resources.acts.latest, limit, before)))


@router.post("/v1/models/promote", responses=_CHANGING)
async def promote(request: Request, told: Promote) -> Moved:
    """Make a version live if the gate passed it against what is live now; a policy becomes the canary first."""
    resources: Resources = request.app.state.resources
    change = Change(told.name, told.why, told.version)
    moved = await resources.in_thread(promote_version, resources, change, _who(request))
    return Moved(
        live=moved.live.number,
        replaced=moved.replaced.number if moved.replaced else None,
        canary=moved.canary.number if moved.canary else None,
    )


@router.post("/v1/models/rollback", responses=_CHANGING)
async def rollback(request: Request, told: Rollback) -> Moved:
    """Give the alias back to the version that the champion replaced."""
    resources: Resources = request.app.state.resources
    live = await resources.in_thread(roll_back, resources, Change(told.name, told.why), _who(request))
    return Moved(live=live)


def _who(request: Request) -> Who:
    caller: Caller = request.state.caller
    return Who(caller.key_id or "", "key")

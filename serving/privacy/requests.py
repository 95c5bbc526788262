"""Use case: what somebody has a right to. Export and erasure are jobs; suppression holds at once."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from features.person import Person
from features.privacy.jobs import Job, Kind
from features.privacy.work import steps
from serving.openapi import problems
from serving.privacy.schemas import JobAnswer, PersonRequest, SuppressAnswer, SuppressRequest
from serving.problems import Refused
from serving.resources import Resources
from serving.schemas import Id, Subject

router = APIRouter(tags=["privacy"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@router.post("/v1/privacy/export", status_code=202, responses=_PROBLEMS)
async def export(request: Request, body: PersonRequest) -> JobAnswer:
    """Collect everything that is held about a person, by store. It can be fetched for a day, from `/v1/jobs`."""
    return await _asked(request, "export", body.subject)


@router.post("/v1/privacy/erase", status_code=202, responses=_PROBLEMS)
async def erase(request: Request, body: PersonRequest) -> JobAnswer:
    """Forget a person in every store, and put all their ids on the suppression list, so that no event brings them back.

    Of decisions a tombstone without ids stays, or policies could no longer be compared.
    """
    return await _asked(request, "erase", body.subject)


@router.post("/v1/privacy/suppress", responses=_PROBLEMS)
async def suppress(request: Request, body: SuppressRequest) -> SuppressAnswer:
    """Put a person on the suppression list, or take them off: nothing new is kept, nothing is sent, nobody is known.

    Every worker knows within seconds. What is held already stays until it is erased.
    """
    resources: Resources = request.app.state.resources
    ids = await resources.in_batch_thread(_suppressed, resources, body)
    return SuppressAnswer(suppressed=body.suppressed, ids=ids)


@router.get("/v1/jobs", responses=problems("unknown_job"))
async def job(request: Request, id_: Annotated[Id, Query(alias="id")]) -> JobAnswer:
    """How far a job is; of an export that is done, what it found."""
    resources: Resources = request.app.state.resources
    found = await resources.in_batch_thread(resources.privacy.places.jobs.find, id_)
    if found is None:
        raise Refused("unknown_job", "")
    return _answer(resources, found)


async def _asked(request: Request, kind: Kind, subject: Subject) -> JobAnswer:
    resources: Resources = request.app.state.resources
    job = await resources.in_batch_thread(_submit, resources, kind, subject, request.state.request_id)
    resources.privacy.wake()
    return _answer(resources, job)


def _submit(resources: Resources, kind: Kind, subject: Subject, request_id: str) -> Job:
    person, privacy = _person(resources, subject), resources.privacy
    hashes = privacy.suppressions.hashes_of(person)
    return privacy.places.jobs.submit(kind, person, hashes, resources.clock(), request_id)


def _suppressed(resources: Resources, body: SuppressRequest) -> int:
    person, privacy = _person(resources, body.subject), resources.privacy
    if not body.suppressed:
        ids = privacy.suppressions.lift(person)
    else:
        ids = privacy.suppressions.add(person, resources.clock())
    privacy.catch_up()
    return ids


def _person(resources: Resources, subject: Subject) -> Person:
    return resources.identities.person(subject.user_id, subject.anonymous_id)


def _answer(resources: Resources, job: Job) -> JobAnswer:
    names = steps(resources.privacy.places, resources.clock()) if job.kind == "erase" else ["collect"]
    return JobAnswer(
        job_id=job.id,
        kind=job.kind,
        state=job.state,
        step=None if job.state == "done" else names[job.step],
        reason=job.reason,
        request_id=job.request_id,
        created_at=job.created_at,
        updated_at=job.updated_at,
        person=list(job.hashes),
        found=dict(job.counts),
        result=msgspec.json.decode(job.result) if job.result is not None else None,
    )

"""The shapes of what is asked for about a person, and of what became of it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from features.privacy.jobs import Kind, State
from serving.decisions.schemas import Named
from serving.schemas import Request, Subject


class PersonRequest(Request):
    """What `POST /v1/privacy/export` and `/erase` take: one id is enough, all ids of the same person are found."""

    subject: Annotated[Subject, Named]

    model_config = Request.model_config | {"json_schema_extra": {"examples": [{"subject": {"user_id": "u_81"}}]}}


class SuppressRequest(PersonRequest):
    """What `POST /v1/privacy/suppress` takes; `suppressed: false` takes the ids off the list again."""

    suppressed: bool = True

    model_config = Request.model_config | {
        "json_schema_extra": {"examples": [{"subject": {"user_id": "u_81"}, "suppressed": True}]}
    }


class SuppressAnswer(BaseModel):
    """Whether the person is on the list now, and how many ids were put on it, or taken off."""

    suppressed: bool
    ids: int


class JobAnswer(BaseModel):
    """A job, and once it is done its receipt. `failed` waits for a person; `reason` says why, also of what is retried.

    `person` are keyed hashes of the ids; `found` is how much each store held. `result` is what an export found.
    """

    job_id: str
    kind: Kind
    state: State
    step: Annotated[str | None, Field(description="what is done next; null when all is done")] = None
    reason: str | None = None
    request_id: str | None = None
    created_at: datetime
    updated_at: datetime
    person: list[str]
    found: dict[str, int]
    result: dict[str, Any] | None = None

"""The shapes of the answers of ingestion: what became of a batch of messages, or what would become of it."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from serving.problems import InvalidField


class RejectedEvent(InvalidField):
    """A message of a batch that did not get in."""

    index: int


class Accepted(BaseModel):
    """What ingestion answers, once everything that it counts as accepted is on disk."""

    success: Literal[True] = True
    accepted: int
    duplicates: int
    ignored: int = Field(description="outside our vocabulary, or of somebody who is suppressed")
    rejected: list[RejectedEvent] = []


class EventVerdict(BaseModel):
    """What would become of one message. `type` is ours; unknown items are those that the catalogue lacks."""

    index: int
    verdict: Literal["accepted", "ignored", "rejected"]
    type: str | None = None
    occurred_at: AwareDatetime | None = None
    items: int = 0
    unknown_items: list[str] = []
    pointer: str | None = None
    code: str | None = None
    detail: str | None = None


class Verdicts(BaseModel):
    """What `/v1/events/validate` answers: one verdict a message, in their order."""

    events: list[EventVerdict]

"""Use case: when, where, how often, or not at all. Rules, policy, log on disk, answer: in that order."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from fastapi import APIRouter, Request

from features.decisions import Decided
from features.log import Record
from serving.decisions.answers import answer_of
from serving.decisions.decide import Made, decide
from serving.decisions.question import Question, question_of
from serving.decisions.schemas import DecisionAnswer, DecisionAnswers, DecisionBatch, DecisionRequest
from serving.openapi import problems
from serving.resources import Resources
from serving.restock.customer import moment_of

router = APIRouter(tags=["decisions"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@router.post("/v1/decisions", responses=_PROBLEMS)
async def decision(request: Request, body: DecisionRequest) -> DecisionAnswer:
    """Whether to send, and if so by which channel, when, with what; logged with its propensity before it is answered.

    The same decision point, person, trigger and step get the same answer until `valid_until`. Where the policy or the
    features are missing the shop's own rule decides, and the answer says `degraded`.
    """
    resources: Resources = request.app.state.resources
    (question,) = _questions(resources, [body])
    made = await resources.in_thread(decide, resources, [question])
    kept = _previewed(resources, made) if body.preview else await commit(resources, made)
    return _answer(body, kept[0])


@router.post("/v1/decisions/batch", responses=_PROBLEMS)
async def decision_batch(request: Request, body: DecisionBatch) -> DecisionAnswers:
    """The same for up to 1,000 subjects: each gets the answer that it would get alone."""
    resources: Resources = request.app.state.resources
    requests = body.requests()
    questions = _questions(resources, requests)
    made = await resources.in_batch_thread(decide, resources, questions)
    kept = _previewed(resources, made) if body.preview else await commit(resources, made)
    return DecisionAnswers(answers=[_answer(one, result) for one, result in zip(requests, kept, strict=True)])


async def commit(resources: Resources, made: Sequence[Made]) -> list[Made]:
    """All that is new in one commit; where somebody else decided the same first, theirs.

    A caller who goes away does not take back what is being written.
    """
    fresh = [one for one in made if not one.standing]
    new: list[bool] = []
    if fresh:
        try:
            records = [one.record for one in fresh]
            new = await asyncio.shield(asyncio.wrap_future(resources.decisions.submit(records)))
        except Exception:
            release(resources, fresh)
            raise
    lost = [one for one, is_new in zip(fresh, new, strict=True) if not is_new]
    release(resources, lost)
    theirs = await resources.in_thread(_found, resources, [one.record.key for one in lost]) if lost else {}
    verdicts = iter(new)
    kept = []
    for one in made:
        is_new = not one.standing and next(verdicts)
        decided = one.decided
        if is_new:
            sent = decided.options[decided.chosen].channel is not None
            resources.metrics.count_decision(
                decided.decision_point, decided.arm, decided.mode, sent, decided.degraded_reason
            )
        else:
            resources.metrics.sticky.add(decided.decision_point)
        kept.append(theirs.get(one.record.key, one))
    return kept


def release(resources: Resources, made: Sequence[Made]) -> None:
    """Give back what was reserved for decisions that will not be committed."""
    for one in made:
        if not one.standing:
            resources.bank.budgets.release(one.record.key)


def _previewed(resources: Resources, made: list[Made]) -> list[Made]:
    release(resources, made)
    return made


def _found(resources: Resources, keys: Sequence[str]) -> dict[str, Made]:
    """The decisions of these keys, which somebody else wrote."""
    found = {}
    for key in keys:
        record: Record | None = resources.decisions.log.find(key)
        if record is None:
            raise LookupError(f"decision {key} is in the log, and cannot be found there")
        found[key] = Made(record, msgspec.json.decode(record.payload, type=Decided), True)
    return found


def _questions(resources: Resources, requests: Sequence[DecisionRequest]) -> list[Question]:
    """What is asked, all at one moment. Raises `Refused` for what does not exist or is not allowed."""
    as_of = requests[0].as_of
    at = resources.clock() if as_of is None else moment_of(resources, as_of)
    tolerance = timedelta(seconds=resources.settings.future_tolerance_seconds)
    bank = resources.bank.now
    return [question_of(request, bank, at, tolerance) for request in requests]


def _answer(request: DecisionRequest, made: Made) -> DecisionAnswer:
    sticky = made.standing or not request.preview
    return answer_of(made.record.key, made.decided, request.include, sticky)

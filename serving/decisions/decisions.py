"""Use case: when, where, how often, or not at all. Rules, policy, log on disk, answer: in that order."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter, Request

from features.decisions import Decided
from serving.as_of import moment_of
from serving.decisions.answers import answer_of
from serving.decisions.decide import Made
from serving.decisions.question import Question, question_of
from serving.decisions.schemas import DecisionAnswer, DecisionAnswers, DecisionBatch, DecisionRequest
from serving.lane import Hot
from serving.openapi import problems
from serving.resources import Resources

router = APIRouter(tags=["decisions"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "rate_limited")


@router.post("/v1/decisions", responses=_PROBLEMS)
async def decision(request: Request, body: DecisionRequest) -> DecisionAnswer:
    """Whether to send, and if so by which channel, when, with what; logged with its propensity before it is answered.

    The same decision point, person, trigger and step get the same answer until `valid_until`. Where the policy or the
    features are missing the shop's own rule decides, and the answer says `degraded`.
    """
    return await answer(request.app.state.resources, body)


@router.post("/v1/decisions/batch", responses=_PROBLEMS)
async def decision_batch(request: Request, body: DecisionBatch) -> DecisionAnswers:
    """The same for up to 1,000 subjects: each gets the answer that it would get alone."""
    resources: Resources = request.app.state.resources
    requests = body.requests()
    made = await decided(resources, _questions(resources, requests), body.preview, patient=True)
    return DecisionAnswers(answers=[_answer(one, result) for one, result in zip(requests, made, strict=True)])


async def answer(resources: Resources, request: DecisionRequest) -> DecisionAnswer:
    """The answer to one question."""
    (made,) = await decided(resources, _questions(resources, [request]), request.preview)
    return _answer(request, made)


async def _json(resources: Resources, request: DecisionRequest) -> bytes:
    return (await answer(resources, request)).model_dump_json().encode()


HOT = {("POST", "/v1/decisions"): Hot(DecisionRequest.model_validate_json, _json)}


async def decided(
    resources: Resources, questions: Sequence[Question], preview: bool = False, patient: bool = False
) -> list[Made]:
    """Decisions, on disk unless they are a `preview`, and counted."""
    made = await resources.desk.decided(resources, questions, preview, patient)
    for one in made if not preview else ():
        if one.standing:
            resources.metrics.sticky.add(one.decided.decision_point)
        else:
            _count(resources, one.decided)
    return made


def _count(resources: Resources, made: Decided) -> None:
    chosen = made.options[made.chosen]
    sent = chosen.channel is not None
    resources.metrics.count_decision(made.decision_point, made.arm, made.mode, sent, made.degraded_reason)
    resources.metrics.count_action(made.decision_point, chosen.channel, made.explored, made.propensity)


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

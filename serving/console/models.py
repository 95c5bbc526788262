"""The page Models: what is live, how each version was judged, and the two buttons that change it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from features.reports.models import ModelVersion, RegisteredModel
from serving.console.charts import Chart, lines
from serving.console.frame import Administrator, Viewer, show, words_of
from serving.console.gate_words import told
from serving.console.promotion_words import why_live
from serving.console.refusals import why_not
from serving.console.words import Words, msgid
from serving.problems import Refused
from serving.promoting import Change, Who, promote_version, roll_back
from serving.resources import Resources

_ACTS = 50
_MEASURES = {
    "recommender": ("repeats_allowed/fallback/recall_at_10", "repeats_allowed/fallback/ndcg_at_10"),
    "time_to_event": ("censored_log_likelihood", "ibs"),
    "policy": ("value/mean", "above/mean"),
    "send_time": ("log_probability", "above/mean"),
}
"""What a family is judged by first, where its runs have measured it."""

FAMILIES = {
    "recommender": msgid("which products a visitor is shown"),
    "time_to_event": msgid("when a customer needs a product again"),
    "policy": msgid("whether to write to a customer, where, when and with what"),
    "send_time": msgid("in which hours customers are there"),
}
GATES = {
    "passed": msgid("passed"),
    "refused": msgid("refused"),
    "pending": msgid("not judged yet"),
    "same policy": msgid("the same policy, further on"),
}
ACTS = {
    "signed_in": msgid("signed in"),
    "promoted": msgid("made it live"),
    "admitted": msgid("began to try it"),
    "rolled_back": msgid("went back to it"),
    "refused": msgid("was refused"),
    "looked": msgid("looked at a customer"),
    "exported": msgid("took a list of customers away"),
}
_NAMED: Mapping[str, Any] = {"families": FAMILIES, "gates": GATES, "act_words": ACTS}

router = APIRouter(include_in_schema=False)


@router.get("/console/models")
def page(
    request: Request,
    session: Viewer,
    model: Annotated[str | None, Query(max_length=250)] = None,
    measure: Annotated[str | None, Query(max_length=250)] = None,
    done: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """Every model; of the one that is chosen, a measure over its versions."""
    resources: Resources = request.app.state.resources
    found = resources.versions.read().models
    chosen = next((one for one in found if one.name == model), found[0] if found else None)
    measures = _measures(chosen) if chosen else []
    measured = measure if measure in measures else next(iter(measures), None)
    chart = _chart(chosen, measured, words_of(request)) if chosen and measured else None
    acts = resources.acts.latest(_ACTS) if session.role == "administrator" else None
    return show(
        request,
        "models.html",
        models=found,
        chosen=chosen,
        measures=measures,
        measured=measured,
        chart_of=chart,
        acts=acts,
        done=done if done in ("promoted", "rolled_back") else None,
        said=_said(words_of(request)),
        why_live=partial(why_live, words_of(request)),
        **_NAMED,
    )


@router.get("/console/models/change")
def confirm(
    request: Request,
    _: Administrator,
    act: Literal["promote", "rollback"],
    name: Annotated[str, Query(max_length=250)],
    number: Annotated[str | None, Query(pattern=r"^\d{1,9}$")] = None,
) -> Response:
    """What would change, and the question why."""
    return _ask(request, act, name, number)


@router.post("/console/models/change")
def change(
    request: Request,
    session: Administrator,
    act: Annotated[Literal["promote", "rollback"], Form()],
    name: Annotated[str, Form(max_length=250, pattern=r"^[^\x00]*$")],
    why: Annotated[str, Form(max_length=500, pattern=r"^[^\x00]*$")] = "",
    number: Annotated[str | None, Form(pattern=r"^\d{1,9}$")] = None,
) -> Response:
    """Do it; where the evidence does not carry it, say so beside the question."""
    resources: Resources = request.app.state.resources
    words = words_of(request)
    if not why.strip():
        return _ask(request, act, name, number, words("Say why, for whoever reads the record later."))
    wanted, who = Change(name, why.strip(), number), Who(session.actor, session.role)
    try:
        if act == "promote":
            promote_version(resources, wanted, who)
        else:
            roll_back(resources, wanted, who)
    except Refused as refused:
        if refused.code != "promotion_refused":
            raise
        return _ask(request, act, name, number, why_not(refused, words), refused.detail, why)
    return RedirectResponse(f"/console/models?done={'promoted' if act == 'promote' else 'rolled_back'}", 303)


def _ask(
    request: Request,
    act: str,
    name: str,
    number: str | None,
    refused: str | None = None,
    detail: str | None = None,
    why: str = "",
) -> Response:
    resources: Resources = request.app.state.resources
    model = next((one for one in resources.versions.read().models if one.name == name), None)
    if model is None:
        raise Refused("not_found", f"no model is called {name}")
    wanted = number if act == "promote" else model.previous
    version = next((one for one in model.versions if one.number == wanted), None)
    status = 200 if refused is None else 409
    return show(
        request,
        "models_change.html",
        status,
        act=act,
        model=model,
        version=version,
        refused=refused,
        detail=detail,
        why=why,
        said=_said(words_of(request)),
        **_NAMED,
    )


def _said(words: Words) -> Callable[[ModelVersion], str | None]:
    """The verdict of the gate on a version in these words; None of versions from before there were codes."""
    return lambda version: told(words, version.gate_findings)


def _measures(model: RegisteredModel) -> list[str]:
    """What its versions measured: first what the family is judged by, then by the alphabet."""
    names = sorted({name for version in model.versions for name in version.metrics})
    known = _MEASURES.get(model.family or "", [name for family in _MEASURES.values() for name in family])
    first = [name for name in known if name in names]
    return [*first, *(name for name in names if name not in first)]


def _chart(model: RegisteredModel, measure: str, words: Words) -> Chart:
    shown = [version for version in reversed(model.versions) if measure in version.metrics]
    values = [version.metrics[measure] for version in shown]
    return lines(
        "versions",
        words("{model}: {measure}", model=model.name, measure=measure),
        _sentence(model, shown, values, words),
        words("version"),
        [version.number for version in shown],
        {measure: values},
        digits=_digits(values),
    )


def _digits(values: list[float]) -> int:
    """Counts need none."""
    return 0 if all(value.is_integer() for value in values) else 4


def _sentence(model: RegisteredModel, shown: list[ModelVersion], values: list[float], words: Words) -> str:
    live = next((value for one, value in zip(shown, values, strict=True) if one.number == model.champion), None)
    if live is None:
        return words("None of these versions is live.")
    told = words(
        "Version {number} is live, with {value}.", number=model.champion, value=words.number(live, _digits(values))
    )
    return (
        told
        + " "
        + words(
            "Each version was measured on the weeks before it, so two points differ by their weeks too; "
            "only the gate compares versions on the same ones."
        )
    )

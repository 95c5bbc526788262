"""The page Funnel: what became of the decisions of a point, step by step until an order."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.funnel import Branch, Factor, Funnel, StageName
from features.reports.share import Share
from serving.console.charts import Chart, bars, ranges
from serving.console.frame import Viewer, show, words_of
from serving.console.words import Words, msgid
from serving.reports.kept import kept_of, reported_points
from serving.resources import Resources

router = APIRouter(include_in_schema=False)

_STAGES: Mapping[StageName, str] = {
    "decided": msgid("Decided"),
    "to_send": msgid("To be sent"),
    "activated": msgid("Sent"),
    "delivered": msgid("Delivered"),
    "opened": msgid("Opened by a person"),
    "clicked": msgid("Clicked"),
}
_ORDERED: Mapping[StageName, str] = {
    "activated": msgid("Sent and ordered"),
    "delivered": msgid("Delivered and ordered"),
    "opened": msgid("Opened and ordered"),
    "clicked": msgid("Clicked and ordered"),
}
_FACTORS: Mapping[Factor, str] = {"channel": msgid("Channel"), "argument": msgid("Argument"), "step": msgid("Step")}


@router.get("/console/funnel")
def page(request: Request, _: Viewer, decision_point: str | None = None) -> Response:
    """One decision point at a time, the first one to begin with."""
    resources: Resources = request.app.state.resources
    words, points = words_of(request), reported_points(resources, "funnel")
    report = kept_of(resources, "funnel", decision_point or None, Funnel) if points else None
    shown = {} if report is None else _shown(words, report)
    return show(request, "funnel.html", points=points, report=report, **shown)


def _shown(words: Words, report: Funnel) -> dict[str, Any]:
    parts = {factor: [one for one in report.branches if one.by == factor] for factor in _FACTORS}
    return {
        "chart": _steps(words, report),
        "stages": _names(words, report),
        "untold": [words(_STAGES[name]).lower() for name in report.untold],
        "factors": _FACTORS,
        "parts": {factor: [(_name(words, one), one) for one in branches] for factor, branches in parts.items()},
        "answers": {one: _answered(one) for one in report.branches},
        "charts": [
            chart for factor, some in parts.items() if (chart := _answers(words, report, factor, some)) is not None
        ],
        "silence": next((one for one in parts["channel"] if one.name is None), None),
    }


def _steps(words: Words, report: Funnel) -> Chart:
    stages, names = report.stages, _names(words, report)
    labels = [names[stage.name] for stage in stages]
    return bars(
        "steps",
        words("From a decision to an order"),
        _sentence(words, report),
        words("Step"),
        labels,
        {words("decisions"): [stage.count for stage in stages]},
        horizontal=True,
    )


def _sentence(words: Words, report: Funnel) -> str:
    decided, _, sent, *told, _ = report.stages
    if not decided.count:
        return words("No decision is old enough yet: its window must close before it is counted.")
    found = words(
        "Of {decided} decisions {sent} led to a message.",
        decided=words.number(decided.count),
        sent=words.percent(sent.of_all.value, 1),
    )
    if "clicked" not in report.untold:
        clicked = words.percent(told[-1].of_all.value, 1)
        found += " " + words("After {clicked} of all decisions somebody clicked.", clicked=clicked)
    bought = words(
        "After {bought} of all decisions the customer ordered within the window, {interval}, for whatever reason.",
        bought=words.percent(decided.bought.value, 1),
        interval=interval(words, decided.bought),
    )
    beware = words("This does not say what messages earn: the page Uplift does.")
    return f"{found} {bought} {beware}"


def _answers(words: Words, report: Funnel, factor: Factor, branches: list[Branch]) -> Chart | None:
    """Clicks, or without news of them orders, of the messages that were sent, by one factor; None for a single one."""
    rates = {_name(words, one): share for one in branches if (share := _answered(one)).of}
    if len(rates) < 2:
        return None
    name, clicks = words(_FACTORS[factor]), "clicked" not in report.untold
    return ranges(
        f"answers-{factor}",
        words("Clicks of sent messages: {factor}", factor=name)
        if clicks
        else words("Orders after sent messages: {factor}", factor=name),
        _compared(words, rates),
        name,
        list(rates),
        [rate.value for rate in rates.values()],
        [rate.low for rate in rates.values()],
        [rate.high for rate in rates.values()],
        names=(words("clicked") if clicks else words("ordered"), words("at least"), words("at most")),
        unit="%",
        digits=1,
    )


def _answered(branch: Branch) -> Share:
    """Of the messages sent, those with a click; those with an order where tools do not tell of clicks."""
    clicked = next((stage.of_sent for stage in branch.stages if stage.name == "clicked"), None)
    return clicked or next(stage.bought for stage in branch.stages if stage.name == "activated")


def _names(words: Words, report: Funnel) -> dict[StageName, str]:
    """What each stage is called: the last one by what comes before it."""
    *_, before, last = report.stages
    return {stage.name: words(_STAGES[stage.name]) for stage in report.stages[:-1]} | {
        last.name: words(_ORDERED[before.name])
    }


def _compared(words: Words, rates: Mapping[str, Share]) -> str:
    (name, first), (_, second) = sorted(rates.items(), key=lambda pair: -(pair[1].value or 0))[:2]
    told = words(
        "Most often: {name}, {rate}, {interval}.",
        name=name,
        rate=words.percent(first.value, 1),
        interval=interval(words, first),
    )
    if (first.low or 0) > (second.high or 0):
        what = words(
            "That is more than of the next, by more than chance. Only a random choice can show that it is the reason."
        )
    else:
        what = words("The next one is too near to be told apart from it: no difference is proved.")
    return f"{told} {what}"


def interval(words: Words, share: Share) -> str:
    """How sure a share is, in words."""
    return words("95 % interval {low} to {high}", low=words.percent(share.low, 1), high=words.percent(share.high, 1))


def _name(words: Words, branch: Branch) -> str:
    if branch.name is None:
        return words("nothing was sent")
    return branch.name or words("without an argument")

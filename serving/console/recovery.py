"""The page Cart recovery: what the live policy earns beside the shop's rule and chance, and what it does for that."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.policy_value import Alternative, PolicyValue
from serving.console.action_charts import mix_charts, refusal_chart
from serving.console.charts import Chart, ranges
from serving.console.frame import Viewer, show, words_of
from serving.console.gate_words import ESTIMATORS, told
from serving.console.verdicts import interval, signed, verdict
from serving.console.words import Words, msgid
from serving.reports.kept import kept_of, reported_points
from serving.resources import Resources

router = APIRouter(include_in_schema=False)

_NAMES: Mapping[str, str] = {"rule": msgid("the shop's own rule"), "random": msgid("chance")}
_GATE: Mapping[str, str] = {
    "passed": msgid("passed"),
    "refused": msgid("refused"),
    "pending": msgid("pending: too little to judge by"),
    "same policy": msgid("the same policy, grown older"),
}
_TRIAL: Mapping[str, str] = {
    "better": msgid("proved to be better"),
    "worse": msgid("proved to be worse"),
    "open": msgid("not decided yet"),
}


@router.get("/console/recovery")
def page(request: Request, _: Viewer, decision_point: str | None = None) -> Response:
    """One decision point at a time, the first one to begin with."""
    resources: Resources = request.app.state.resources
    words, points = words_of(request), reported_points(resources, "policy-value")
    report = kept_of(resources, "policy-value", decision_point or None, PolicyValue) if points else None
    shown = {} if report is None else _shown(words, report)
    return show(request, "recovery.html", points=points, report=report, **shown)


def _shown(words: Words, report: PolicyValue) -> dict[str, Any]:
    money = _money(words, report)
    return {
        "names": _NAMES,
        "estimators": ESTIMATORS,
        "gate": _GATE,
        "trial": _TRIAL,
        "said": lambda one: told(words, one.canary_findings if one.canary_words else one.findings),
        "value": _values(words, report) if report.live else None,
        "agreement": [_agreement(words, report, one) for one in report.alternatives if one.own is not None],
        "charts": [*mix_charts(words, report), *refusal_chart(words, report)],
        "power": _power(words, report),
        "money": money,
        "plus": lambda x: signed(money(x), x),
    }


def earns(words: Words, report: PolicyValue, one: Alternative) -> str:
    """The policy beside one alternative, in a sentence with its verdict."""
    counted, money, name = one.estimates[0].policy_above, _money(words, report), words(_NAMES[one.name])
    if one.share is None or one.share.mean is None:
        return words(
            "A decision of the policy earns {difference} more than one of {name}, {interval}: {verdict}.",
            difference=signed(money(counted.mean), counted.mean),
            name=name,
            interval=interval(words, counted, lambda x: signed(money(x), x)),
            verdict=verdict(words, counted),
        )
    share = one.share.mean
    told = words("The policy earns {share} more than {name}", share=words.percent(share, 0), name=name)
    if share < 0:
        told = words("The policy earns {share} less than {name}", share=words.percent(-share, 0), name=name)
    sure = interval(words, one.share, lambda x: signed(words.percent(x, 0), x))
    return f"{told}, {sure}: {verdict(words, counted)}."


def _values(words: Words, report: PolicyValue) -> Chart:
    live = report.live
    bars_ = [] if live is None else [(words("the policy, as it earned"), live.value)]
    for one in report.alternatives:
        bars_.append((words("{name}, estimated", name=words(_NAMES[one.name])), one.estimates[0].value))
        if one.own is not None:
            bars_.append((words("{name}, its own customers", name=words(_NAMES[one.name])), one.own))
    return ranges(
        "value",
        words("What a decision earns"),
        " ".join(earns(words, report, one) for one in report.alternatives)
        or words("The log holds nothing yet that the rule or chance would have done, so there is no comparison."),
        words("Who decides"),
        [name for name, _ in bars_],
        [found.mean for _, found in bars_],
        [found.low for _, found in bars_],
        [found.high for _, found in bars_],
        names=(words("a decision"), words("at least"), words("at most")),
        unit=report.currency or "",
        digits=3,
        reference=None if live is None else live.value.mean,
    )


def _agreement(words: Words, report: PolicyValue, one: Alternative) -> str:
    """Whether the estimate of an alternative and what its own customers brought lie in each other's intervals."""
    own, estimated, money = one.own, one.estimates[0].value, _money(words, report)
    if own is None:
        return ""
    apart = own.low is not None and estimated.high is not None and own.low > estimated.high
    apart |= own.high is not None and estimated.low is not None and own.high < estimated.low
    return words(
        "Customers for whom {name} really decided brought {own} a decision ({n} decisions), the estimate is "
        "{estimated}: {agree}.",
        name=words(_NAMES[one.name]),
        own=money(own.mean),
        n=words.number(one.own_decisions),
        estimated=money(estimated.mean),
        agree=words("they do not agree, so do not trust it") if apart else words("within what chance explains"),
    )


def _power(words: Words, report: PolicyValue) -> str:
    found = report.provable
    if found is None:
        return words("With so few decisions nothing can be said of what they prove.")
    return words(
        "A month of this traffic, {decisions} decisions, proves that another policy is better if it earns {uplift} a "
        "decision more{share}, in {chance} of all cases. For half of that it takes four times as long.",
        decisions=words.number(found.decisions),
        uplift=_money(words, report)(found.uplift),
        share="" if found.share is None else f" ({signed(words.percent(found.share, 0), found.share)})",
        chance=words.percent(found.chance, 0),
    )


def _money(words: Words, report: PolicyValue) -> Callable[[float | None], str]:
    return lambda x: words.money(x, report.currency, 3)

"""The page Uplift: what deciding has caused, by groups that chance made, and whether that is proved."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.interval import Interval
from features.reports.uplift import Contrast, Measure, Uplift, Week
from serving.console.charts import Chart, bars, ranges
from serving.console.frame import Viewer, show, words_of
from serving.console.verdicts import interval, signed, verdict
from serving.console.words import Words, msgid
from serving.reports.kept import kept_of, reported_points
from serving.resources import Resources

router = APIRouter(include_in_schema=False)

_GROUPS: Mapping[str, str] = {
    "policy": msgid("the policy"),
    "random": msgid("chance"),
    "baseline": msgid("the shop's own rule"),
    "holdout": msgid("customers without messages"),
}
_MEASURES: Mapping[Measure, str] = {"revenue": msgid("Revenue a customer"), "orders": msgid("Orders a customer")}


@router.get("/console/uplift")
def page(request: Request, _: Viewer, decision_point: str | None = None) -> Response:
    """One decision point at a time, the first one to begin with."""
    resources: Resources = request.app.state.resources
    words, points = words_of(request), reported_points(resources, "uplift")
    report = kept_of(resources, "uplift", decision_point or None, Uplift) if points else None
    shown = {} if report is None else _shown(words, report)
    return show(request, "uplift.html", points=points, report=report, **shown)


def _shown(words: Words, report: Uplift) -> dict[str, Any]:
    return {
        "groups": _GROUPS,
        "measures": _MEASURES,
        "sentence": brought(words, report),
        "incremental": report.incremental_over("holdout"),
        "charts": [_differences(words, report, measure) for measure in _MEASURES] + [_weeks(words, report)],
        "written": lambda one, x: _written(words, report, one.measure, x),
        "told": lambda one: _told(words, report, one),
    }


def brought(words: Words, report: Uplift) -> str:
    """The money that the policy brought beyond what would have come anyway, in a sentence with its verdict."""
    found = report.incremental_over("holdout")
    if found is None:
        return words("There are not enough customers in the groups yet whose days are over.")

    def money(x: float | None) -> str:
        return signed(words.money(x, report.currency, 0), x)

    return words(
        "{customers} customers of the policy brought {revenue} beyond what they would have spent without any message, "
        "{interval} however often one looks: {verdict}.",
        customers=words.number(found.customers),
        revenue=money(found.revenue.mean),
        interval=interval(words, found.always, money),
        verdict=_verdict(words, report, found.always),
    )


def _differences(words: Words, report: Uplift, measure: Measure) -> Chart:
    contrasts = [one for one in report.contrasts if one.measure == measure]
    against = next((one for one in contrasts if one.arm == "holdout"), contrasts[0] if contrasts else None)
    labels, points, lower, upper = [], [], [], []
    for one in contrasts:
        group = words(_GROUPS[one.arm])
        for found, look in (
            (one.plain, words("as counted")),
            (one.adjusted, words("past taken off")),
            (one.always, words("at any time")),
        ):
            labels.append(f"{group}, {look}")
            points.append(found.mean)
            lower.append(found.low)
            upper.append(found.high)
    return ranges(
        f"difference-{measure}",
        words("{measure}: the policy less the other groups", measure=words(_MEASURES[measure])),
        words("Nothing can be compared yet.") if against is None else _told(words, report, against),
        words("Compared with"),
        labels,
        points,
        lower,
        upper,
        names=(words("difference"), words("at least"), words("at most")),
        unit=report.currency or "" if measure == "revenue" else "",
        digits=2 if measure == "revenue" else 4,
        reference=0.0,
    )


def _told(words: Words, report: Uplift, one: Contrast) -> str:
    """One comparison in a sentence. What proves is the interval for who looks as often as they like."""
    share = None if one.share is None else signed(words.percent(one.share.mean, 1), one.share.mean)
    return words(
        "Against {group}: {difference} a customer{share}, {interval} at any time: {verdict}.",
        group=words(_GROUPS[one.arm]),
        difference=_written(words, report, one.measure, one.adjusted.mean),
        share="" if share is None else f" ({share})",
        interval=interval(words, one.always, lambda x: _written(words, report, one.measure, x)),
        verdict=_verdict(words, report, one.always),
    )


def _verdict(words: Words, report: Uplift, found: Interval) -> str:
    """Groups of wrong sizes prove nothing, whatever their interval."""
    return words("not proved, as the groups have wrong sizes") if report.mismatch else verdict(words, found)


def _written(words: Words, report: Uplift, measure: Measure, x: float | None) -> str:
    text = words.money(x, report.currency, 2) if measure == "revenue" else words.number(x, 4)
    return signed(text, x)


def _weeks(words: Words, report: Uplift) -> Chart:
    weeks = report.weeks
    arms = [arm for arm in _GROUPS if any(group.arm == arm for week in weeks for group in week.groups)]
    open_ = [place for place, week in enumerate(weeks) if not week.mature]
    told = words(
        "Each week shows the customers who entered in it, {days} days long. The policy's were ahead of those without "
        "messages in {ahead} of {weeks} weeks that are over; single weeks are mostly chance.",
        days=words.number(report.days),
        ahead=words.number(sum(_ahead(week) for week in weeks if week.mature)),
        weeks=words.number(len(weeks) - len(open_)),
    )
    grey = words.plural(
        "{n} grey week is not over: its numbers still grow.",
        "{n} grey weeks are not over: their numbers still grow.",
        len(open_),
    )
    return bars(
        "weeks",
        words("Revenue a customer by the week of entry"),
        f"{told} {grey}" if open_ else told,
        words("Week from"),
        [words.day(week.begins) for week in weeks],
        {words(_GROUPS[arm]): [_of(week, arm) for week in weeks] for arm in arms},
        unit=report.currency or "",
        digits=2,
        grey=open_,
    )


def _of(week: Week, arm: str) -> float | None:
    return next((group.revenue for group in week.groups if group.arm == arm), None)


def _ahead(week: Week) -> bool:
    return week.revenue is not None and (week.revenue.mean or 0) > 0

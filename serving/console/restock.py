"""The page Restock calendar: who will need something on which day, how much of what, and how true that came."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from babel.dates import get_day_names
from fastapi import APIRouter, Request
from starlette.responses import Response

from features.purchases import last_day
from features.reports.restock_calendar import Acceptance, Calibration, Demand, DueDay, RestockCalendar
from serving.console.charts import Chart, heat, lines, ranges
from serving.console.frame import Viewer, show, words_of
from serving.console.words import Words, msgid
from serving.reports.person import restock_moment
from serving.reports.restock_calendar import NAME
from serving.resources import Resources

router = APIRouter(include_in_schema=False)
_LARGEST = 15
_EPOCH = date(1970, 1, 1)
_WEEK = 7
HELD = 0.80, 0.67, 0.95
"""Of the days of three later calendars of real groceries so many came within their 80 % intervals: of all, of the worst
and of the best calendar (`benchmarks/restock_calendar.py`)."""

CONFIDENCE: Mapping[str | None, str] = {
    "high": msgid("sure"),
    "medium": msgid("rather sure"),
    "low": msgid("unsure"),
    "none": msgid("not known"),
    None: msgid("not kept"),
}


@router.get("/console/restock")
def page(request: Request, _: Viewer) -> Response:
    """As the report was computed last; nothing is computed here."""
    resources: Resources = request.app.state.resources
    words, report = words_of(request), resources.reports.read(NAME, "", RestockCalendar)
    shown = {} if report is None else {**_shown(words, report), "listed": _listed(resources, report.days)}
    return show(request, "restock.html", report=report, **shown)


def _shown(words: Words, report: RestockCalendar) -> dict[str, Any]:
    groups = [one for one in report.demand if one.kind == "group"]
    products = [one for one in report.demand if one.kind == "product"]
    return {
        "today": report.days[0].day - timedelta(days=1) if report.days else None,
        "calendar": _calendar(words, report.days),
        "groups": _demand(words, "groups", words("What will be needed, by group"), groups, report),
        "products": _demand(words, "products", words("What will be needed, by product"), products, report),
        "calibration": None if report.calibration is None else _calibration(words, report.calibration),
        "acceptance": _acceptance(words, report.acceptance) if report.acceptance else None,
        "confidence": CONFIDENCE,
    }


def _listed(resources: Resources, days: Sequence[DueDay]) -> list[date]:
    """The days of which there is a list: those that are still ahead."""
    today = last_day(restock_moment(resources, resources.clock()))
    return [one.day for one in days if (one.day - _EPOCH).days > today]


def _calendar(words: Words, days: Sequence[DueDay]) -> Chart:
    """Weeks beneath each other, from Monday to Sunday."""
    first = days[0].day - timedelta(days=days[0].day.weekday())
    weeks = range((days[-1].day - first).days // _WEEK + 1)
    told = {one.day: one.customers.mean for one in days}
    begins = [first + timedelta(days=_WEEK * week) for week in weeks]
    values = [[told.get(begin + timedelta(days=weekday)) for weekday in range(_WEEK)] for begin in begins]
    names = get_day_names("abbreviated", "stand-alone", words.locale)
    most = max(days, key=lambda one: one.customers.mean or 0.0)
    week = days[:_WEEK]
    mean = sum(one.customers.mean or 0.0 for one in week) / len(week)
    sentence = words(
        "About {mean} customers a day are expected to need something in the next seven days. The most are on {day}: "
        "{most}, with 80 % probability {low} to {high}. On later weeks of real groceries {held} of the days came "
        "within such intervals: over six quiet weeks {best}, over six with holidays {worst}.",
        mean=words.number(mean),
        day=words.day(most.day),
        most=words.number(most.customers.mean),
        low=words.number(most.customers.low),
        high=words.number(most.customers.high),
        held=words.percent(HELD[0]),
        worst=words.percent(HELD[1]),
        best=words.percent(HELD[2]),
    )
    return heat(
        "calendar",
        words("Customers due, by day"),
        sentence,
        words("Week from"),
        [names[weekday] for weekday in range(_WEEK)],
        [words.day(begin) for begin in begins],
        values,
    )


def _demand(words: Words, id_: str, title: str, some: Sequence[Demand], report: RestockCalendar) -> Chart:
    largest = some[:_LARGEST]
    if largest:
        sentence = words(
            "Of {name} most will be needed within {days} days: {packs} packs, with 80 % probability {low} to {high}.",
            name=largest[0].title or largest[0].id,
            days=report.demand_days,
            packs=words.number(largest[0].packs.mean),
            low=words.number(largest[0].packs.low),
            high=words.number(largest[0].packs.high),
        )
    else:
        sentence = words("Nobody is expected to need anything.")
    return ranges(
        id_,
        title,
        sentence,
        words("Product") if id_ == "products" else words("Group"),
        [one.title or one.id for one in largest],
        [one.packs.mean for one in largest],
        [one.packs.low for one in largest],
        [one.packs.high for one in largest],
        names=(words("packs"), words("at least (80 %)"), words("at most (80 %)")),
        digits=0,
    )


def _calibration(words: Words, told: Calibration) -> Chart:
    highest = told.bins[-1]
    sentence = words(
        "Version {version}, judged on purchases that it had not seen: where {foreseen} was said, {happened} came true. "
        "On average the two are {error} apart, over {count} forecasts for {days} days.",
        version=told.model_version,
        foreseen=words.percent(highest.foreseen, 1),
        happened=words.percent(highest.happened.value, 1),
        error=words.percent(told.error, 1),
        count=words.number(sum(one.happened.of for one in told.bins)),
        days=told.days,
    )
    happened = [one.happened for one in told.bins]
    name = words("came true")
    return lines(
        "calibration",
        words("Foreseen, and what happened"),
        sentence,
        words("Foreseen"),
        [words.percent(one.foreseen, 1) for one in told.bins],
        {words("was said"): [one.foreseen for one in told.bins], name: [one.value for one in happened]},
        unit="%",
        digits=1,
        bands={name: ([one.low for one in happened], [one.high for one in happened])},
    )


def _acceptance(words: Words, rows: Sequence[Acceptance]) -> Chart:
    told = sum(one.taken.of for one in rows)
    proposed = sum(one.proposed for one in rows)
    sentence = words(
        "{told} of {proposed} proposals in carts got a word from the customer. Silence is no refusal, and is not "
        "counted as one.",
        told=words.number(told),
        proposed=words.number(proposed),
    )
    return ranges(
        "acceptance",
        words("Proposals taken, by how sure the forecast was"),
        sentence,
        words("Forecast"),
        [words(CONFIDENCE.get(one.confidence, one.confidence or "")) for one in rows],
        [one.taken.value for one in rows],
        [one.taken.low for one in rows],
        [one.taken.high for one in rows],
        names=(words("taken"), words("at least (95 %)"), words("at most (95 %)")),
        unit="%",
    )

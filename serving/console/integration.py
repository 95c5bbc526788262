"""The page Integration: whether the shop's tracking arrives, and what to mend."""

import math

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.integration import Integration
from serving.console.charts import Chart, bars
from serving.console.frame import Viewer, show, words_of
from serving.console.words import Words
from serving.integration import integration
from serving.resources import Resources

router = APIRouter(include_in_schema=False)


@router.get("/console/integration")
def page(request: Request, _: Viewer) -> Response:
    """What came in the last seven days."""
    resources: Resources = request.app.state.resources
    channels, purposes = resources.bank.channels(), resources.bank.purposes()
    report = integration(resources.reports.engine, resources.clock(), channels, purposes)
    words = words_of(request)
    return show(
        request,
        "integration.html",
        report=report,
        days=_days(report, words),
        clock=_clock(report, words),
        match=_match(report, words),
        channels=sorted(channels or ()),
        purposes=sorted(purposes or ()),
    )


def _days(report: Integration, words: Words) -> Chart:
    counts = [count for _, count in report.events_by_day]
    whole, today = counts[:-1], counts[-1]
    usual = sum(whole) / len(whole)
    if not any(counts):
        sentence = words("No event came in these two weeks.")
    else:
        sentence = words(
            "{today} events came today so far; on a day before that {usual} on average.",
            today=words.number(today),
            usual=words.number(usual),
        )
    return bars(
        "events-a-day",
        words("Events a day"),
        sentence,
        words("day"),
        [words.day(day.date()) for day, _ in report.events_by_day],
        {words("events"): counts},
        grey=[len(counts) - 1],
    )


def _match(report: Integration, words: Words) -> str:
    """Rounded down: while a product is not known, nobody reads that all are."""
    rate = report.match_rate
    return words.percent(None if rate is None else math.floor(round(rate * 1_000, 6)) / 1_000, 1)


def _clock(report: Integration, words: Words) -> Chart:
    clock = report.clock
    counts = [clock.ahead, clock.at_once, clock.within_hour, clock.within_day, clock.older]
    total = sum(counts)
    if not total:
        sentence = words("No event came in these seven days.")
    elif clock.ahead:
        sentence = words(
            "{share} of the events say that they happen in the future: a clock in your shop runs ahead.",
            share=words.percent(clock.ahead / total, 1),
        )
    elif clock.older > total / 2:
        sentence = words("Most events are older than a day: that is an import of history, or a queue that is stuck.")
    else:
        sentence = words(
            "{share} of the events arrive within a minute, so answers know what a visitor just did.",
            share=words.percent(clock.at_once / total, 0),
        )
    labels = [
        words("more than a minute ahead"),
        words("within a minute"),
        words("up to an hour later"),
        words("up to a day later"),
        words("later than a day"),
    ]
    return bars(
        "clock",
        words("From the click to us"),
        sentence,
        words("how late"),
        labels,
        {words("events"): counts},
        horizontal=True,
    )

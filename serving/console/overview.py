"""The page Overview: whether it works, how much it knows, what it did, and whether that earned anything."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.overview import Earned, Overview
from serving.console.charts import Chart, bars
from serving.console.frame import Viewer, show, words_of
from serving.console.verdicts import interval
from serving.console.words import Words, msgid
from serving.overview import overview
from serving.resources import Resources

PARTS = {
    "database": msgid("Database"),
    "online_store": msgid("Features of customers"),
    "model": msgid("Recommendations"),
    "policies": msgid("Decisions to write"),
    "projector": msgid("Fresh events"),
}
TROUBLES = {
    "database": msgid("It does not answer. Events and what was shown wait on disk until it does; nothing is lost."),
    "online_store": msgid("It does not answer in time. Answers go on with what the log of events says."),
    "model": msgid("No model is live, so nothing can be recommended. Train one and make it live."),
    "policies": msgid(
        "No policy is live, so the shop's own rules decide. Train one when there are decisions to learn from."
    ),
    "projector": msgid("It is behind. Answers read recent events from the log instead, which takes a little longer."),
}
NEEDS = {
    "recommender": msgid("Recommendations"),
    "send-time": msgid("Send times"),
    "replenishment": msgid("Restock forecasts"),
    "policy": msgid("Deciding by a policy"),
}

router = APIRouter(include_in_schema=False)


@router.get("/console")
def page(request: Request, _: Viewer) -> Response:
    """The shop on one page."""
    resources: Resources = request.app.state.resources
    report = overview(resources)
    words = words_of(request)
    return show(
        request,
        "overview.html",
        report=report,
        days=_days(report, words),
        earned=_earned(report.earned, words) if report.earned else None,
        wanting={need.model: _wanting(need.what, need.missing, words) for need in report.needs or ()},
        parts=PARTS,
        troubles=TROUBLES,
        needs=NEEDS,
        last=[(path, words(title), words(told)) for path, title, told in _NEXT],
    )


_NEXT = (
    ("/console/uplift", msgid("Uplift"), msgid("Does deciding earn more than doing nothing?")),
    ("/console/recovery", msgid("Cart recovery"), msgid("Is the policy better than the rule of the shop?")),
    ("/console/restock", msgid("Restock calendar"), msgid("Who needs what again, and when?")),
    ("/console/integration", msgid("Integration"), msgid("Does everything arrive that the shop sends?")),
)


def _days(report: Overview, words: Words) -> Chart:
    decided = [count for _, count in report.decisions_by_day]
    shown = [count for _, count in report.shown_by_day]
    if any(decided) or any(shown):
        sentence = words(
            "In two weeks {decided} decisions whether to write were made, and {shown} recommendations were shown.",
            decided=words.number(sum(decided)),
            shown=words.number(sum(shown)),
        )
    else:
        sentence = words("Nothing was decided or shown in these two weeks.")
    return bars(
        "decisions-a-day",
        words("Decisions a day"),
        sentence,
        words("day"),
        [words.day(day.date()) for day, _ in report.decisions_by_day],
        {words("decisions"): decided, words("recommendations"): shown},
        grey=[len(decided) - 1],
    )


def _earned(earned: Earned, words: Words) -> str:
    low, high = (words.money(end, earned.currency, 0) for end in (earned.always.low, earned.always.high))
    over = words("customers to whom nothing was sent") if earned.over == "holdout" else words("the rule of the shop")
    if earned.proved:
        return words(
            "More than {over} would have brought, 95 % interval {low} to {high}: proved.", over=over, low=low, high=high
        )
    if earned.always.below:
        return words(
            "Less than {over} would have brought, 95 % interval {low} to {high}: it does harm.",
            over=over,
            low=low,
            high=high,
        )
    once = earned.revenue
    if earned.always.low is None and earned.always.high is None and once.low is not None and once.high is not None:
        low, high = (words.money(end, earned.currency, 0) for end in (once.low, once.high))
        return words(
            "Against {over}, 95 % interval {low} to {high} for whoever looks only once: not yet proved.",
            over=over,
            low=low,
            high=high,
        )
    told = interval(words, earned.always, lambda end: words.money(end, earned.currency, 0))
    return words("Against {over}, {interval}: not yet proved.", over=over, interval=told)


def _wanting(what: str, missing: int, words: Words) -> str:
    if not missing:
        return words("enough to learn from")
    match what:
        case "repeat_buyers":
            return words.plural("needs {n} more repeat buyer", "needs {n} more repeat buyers", missing)
        case "periodic_pairs":
            return words.plural(
                "needs {n} more product that a customer bought on three days",
                "needs {n} more products that a customer bought on three days",
                missing,
            )
        case _:
            return words.plural("needs {n} more decision", "needs {n} more decisions", missing)

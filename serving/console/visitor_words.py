"""What the page Visitor calls things, and the chart of what one customer will need."""

from collections.abc import Mapping
from datetime import date, datetime

from models.time_to_event.group_names import group_name
from serving.console.action_charts import REASONS
from serving.console.charts import Chart, ranges
from serving.console.words import Words, msgid
from serving.reports.visitor_schemas import Part
from serving.restock.schemas import ForecastAnswer, RestockForecast

_SOONEST = 15

TITLES: Mapping[Part, str] = {
    "recommendations": msgid("Recommendations"),
    "forecast": msgid("What will be needed again"),
    "cart": msgid("The prepared cart"),
    "decisions": msgid("Decisions"),
    "contact": msgid("Consents and channels"),
    "events": msgid("Last events"),
}
MISSING: Mapping[str, str] = {
    "too_slow": msgid("This took too long. Try again."),
    "failed": msgid("This could not be read; the log of the service says why."),
    "no_model": msgid("No version of the model is live that could answer this."),
    "only_now": msgid("This can only be told of now."),
    "suppressed": msgid("Nothing is told of somebody who is suppressed."),
}
STATUS: Mapping[str, str] = {
    "due": msgid("due within a week"),
    "overdue": msgid("later than usual, still wanted"),
    "upcoming": msgid("later than a week"),
    "lapsed": msgid("probably bought no longer"),
    "unknown": msgid("too little is known"),
}
CONFIDENCE: Mapping[str, str] = {
    "high": msgid("sure"),
    "medium": msgid("rather sure"),
    "low": msgid("unsure"),
    "none": msgid("not known"),
}
ARMS: Mapping[str, str] = {
    "policy": msgid("the policy"),
    "random": msgid("random, to learn from"),
    "baseline": msgid("the shop's rule"),
    "holdout": msgid("holdout: gets nothing, to compare with"),
}


SILENT: Mapping[str, str] = {
    "holdout": msgid("holdout: gets nothing, to compare with"),
    "silence": msgid("the policy thinks silence better, or tries it"),
}


def reason(words: Words, code: str) -> str:
    """Why something was refused, or nothing is sent; a code that has no words here is told as it is."""
    text = SILENT.get(code) or REASONS.get(code)
    return code if text is None else words(text)


def name_of(item: RestockForecast) -> str:
    """What people call a need: its group, else the product."""
    return (group_name(item.group) if item.group else None) or item.item_id


def forecast_chart(words: Words, forecast: ForecastAnswer, as_of: datetime) -> Chart:
    """The soonest needs as bars from the day that is reached with 10 % to that with 90 %, in days ahead."""
    known = [item for item in forecast.items if item.status != "unknown" and item.due.p50 is not None][:_SOONEST]
    today = as_of.date()
    if known:
        sentence = words(
            "The soonest need is {name}, probably by {day}. A bar reaches from the day by which it is bought with 10 % "
            "to that of 90 %; the point is the day of 50 %. Where it stands alone, nobody can look as far as 90 %.",
            name=name_of(known[0]),
            day=words.day(known[0].due.p50),
        )
    else:
        sentence = forecast.words or words("Nothing that was bought came back often enough to say when it is needed.")
    return ranges(
        "forecast",
        words("Days until it is needed again"),
        sentence,
        words("Product"),
        [name_of(item) for item in known],
        [_ahead(item.due.p50, today) for item in known],
        [_ahead(item.due.p10, today) for item in known],
        [_ahead(item.due.p90, today) for item in known],
        names=(words("day of 50 %"), words("day of 10 %"), words("day of 90 %")),
    )


def _ahead(day: date | None, today: date) -> int | None:
    return None if day is None else (day - today).days

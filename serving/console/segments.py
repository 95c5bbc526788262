"""The page Segments: who the customers are, who comes back, and after which first products; with a file of each."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from features.customer_segments import WITHOUT_ORDER
from features.reports.segments import Class, Decile, Gateways, Segments
from serving.console.charts import Chart, heat, lines, ranges
from serving.console.frame import SeesCustomers, Viewer, show, words_of
from serving.console.words import Words
from serving.reports.export import MOST, exported
from serving.resources import Resources

router = APIRouter(include_in_schema=False)

_SCORES = 5
_DRAWN = 15
_NAMED = 3
_BESIDE = 2
"""Of ten intervals of 95 % more than two miss the truth once in a hundred times."""


@router.get("/console/segments")
def page(request: Request, _: Viewer) -> Response:
    """The whole shop."""
    resources: Resources = request.app.state.resources
    words, report = words_of(request), resources.reports.read("segments", "", Segments)
    shown = {} if report is None else _shown(words, report, resources)
    return show(request, "segments.html", report=report, **shown)


@router.get("/console/segments/customers.csv")
def customers(request: Request, session: SeesCustomers, segment: Annotated[str, Query(max_length=64)]) -> Response:
    """The customers of a segment; written down with the name of whoever took them along."""
    return exported(request.app.state.resources, segment, MOST, session.actor, session.role)


def _shown(words: Words, report: Segments, resources: Resources) -> dict[str, Any]:
    titles = {one.product_id: resources.champion.shelf.title(one.product_id) for one in report.gateways.products}
    return {
        "grid": _grid(words, report),
        "classes": _classes(words, report),
        "deciles": _deciles(words, report),
        "gateways": _gateways(words, report.gateways, titles),
        "titles": titles,
        "without_order": WITHOUT_ORDER,
    }


def _grid(words: Words, report: Segments) -> Chart:
    share = {(cell.recency, cell.frequency): cell.customers_share for cell in report.cells}
    some = range(1, _SCORES + 1)
    return heat(
        "grid",
        words("Customers by when they ordered last and how often they ordered"),
        _best(words, report),
        words("Last order"),
        [words("frequency {score}", score=score) for score in some],
        [words("recency {score}", score=score) for score in reversed(some)],
        [[share.get((recency, frequency)) for frequency in some] for recency in reversed(some)],
        unit="%",
        digits=1,
    )


def _best(words: Words, report: Segments) -> str:
    ordered = report.customers - report.without_order
    if not ordered:
        return words("Nobody has ordered anything yet.")
    top = [cell for cell in report.cells if cell.recency == _SCORES and cell.frequency >= _SCORES - 1]
    told = words("{n} customers have ordered; 5 is the best fifth.", n=words.number(ordered))
    if not top:
        nobody = words("Nobody is among the best in both: most are alike in one of them.")
        return f"{told} {nobody}"
    best = words(
        "Those who ordered lately and often are {share} of them and brought {revenue} of the revenue: counted, not "
        "estimated.",
        share=words.percent(sum(cell.customers_share for cell in top), 1),
        revenue=words.percent(sum(cell.revenue_share or 0 for cell in top), 1),
    )
    return f"{told} {best}"


def _classes(words: Words, report: Segments) -> list[tuple[str, list[tuple[Class, str]]]]:
    """The fifths of each kind, with their edges in words, the best one first."""

    def days(one: Class) -> str:
        digits = 0 if one.most - one.least > 1 else 1
        least, most = words.number(one.least, digits), words.number(one.most, digits)
        return words("{least} to {most} days ago", least=least, most=most)

    def orders(one: Class) -> str:
        if one.least == one.most:
            return words.plural("{n} order", "{n} orders", int(one.least))
        return words.plural("{least} to {n} order", "{least} to {n} orders", int(one.most), least=int(one.least))

    def money(one: Class) -> str:
        return words("{least} to {most} spent", least=words.number(one.least, 2), most=words.number(one.most, 2))

    return [
        (words("Recency: the last order"), [(one, days(one)) for one in reversed(report.recency)]),
        (words("Frequency: how many orders"), [(one, orders(one)) for one in reversed(report.frequency)]),
        (words("Money: everything spent"), [(one, money(one)) for one in reversed(report.monetary)]),
    ]


def _deciles(words: Words, report: Segments) -> Chart:
    """What was foreseen beside what came, where that is known; else what is foreseen now."""
    if not report.checked:
        return lines(
            "deciles",
            words("How likely customers order within 28 days"),
            words("Nobody can know yet whether this comes true: it takes a forecast that is older than 28 days.")
            if report.deciles
            else words("There is no forecast yet: `python -m pipelines restock score` makes it."),
            words("Tenth of the customers"),
            [words.number(one.number) for one in report.deciles],
            {words("foreseen"): [one.expected for one in report.deciles]},
            unit="%",
            digits=1,
        )
    came = [one.came for one in report.checked if one.came is not None]
    real = words("really ordered")
    return lines(
        "deciles",
        words("How likely customers order within 28 days"),
        _calibrated(words, report.checked),
        words("Tenth of the customers"),
        [words.number(one.number) for one in report.checked],
        {words("foreseen"): [one.expected for one in report.checked], real: [one.value for one in came]},
        bands={real: ([one.low for one in came], [one.high for one in came])},
        unit="%",
        digits=1,
    )


def _calibrated(words: Words, checked: tuple[Decile, ...]) -> str:
    known = [(one.expected, one.came) for one in checked if one.came is not None]
    inside = sum((came.low or 0) <= expected <= (came.high or 0) for expected, came in known)
    told = words(
        "In {inside} of {n} tenths the forecast lies within the 95 % interval of what really came.",
        inside=inside,
        n=len(known),
    )
    if inside >= len(known) - _BESIDE:
        meant = words("That is as many as chance allows: it can be relied on.")
    else:
        meant = words("That is too few: its numbers are not to be taken at their word.")
    return f"{told} {meant}"


def _gateways(words: Words, found: Gateways, titles: Mapping[str, str]) -> Chart:
    some = found.products[:_DRAWN]
    return ranges(
        "gateways",
        words("Who came back after which first product"),
        _after_all(words, found, titles),
        words("First product"),
        [titles[one.product_id] for one in some],
        [one.estimate for one in some],
        [one.low for one in some],
        [one.high for one in some],
        names=(words("came back, estimate"), words("at least"), words("at most")),
        unit="%",
        digits=1,
        reference=found.returned.value,
    )


def _after_all(words: Words, found: Gateways, titles: Mapping[str, str]) -> str:
    if not found.returned.of:
        return words(
            "Not known yet: it takes customers whose first order is more than {days} days ago, and came {lead} days "
            "after the first one of the shop.",
            days=found.days,
            lead=found.lead_days,
        )
    mean = words(
        "{rate} of {n} new customers ordered again within {days} days.",
        rate=words.percent(found.returned.value, 1),
        n=words.number(found.returned.of),
        days=found.days,
    )
    proved = [titles[one.product_id] for one in found.products if one.proved > 0]
    if proved:
        names = ", ".join([*proved[:_NAMED], *(["…"] if len(proved) > _NAMED else [])])
        told = words.plural(
            "After {n} of {compared} products more came back, by more than chance: {names}.",
            "After {n} of {compared} products more came back, by more than chance: {names}.",
            len(proved),
            compared=words.number(found.compared),
            names=names,
        )
        association = words("That is an association: whoever buys it first may be another kind of customer.")
        return f"{mean} {told} {association}"
    return words(
        "{mean} After none of {compared} products did more come back than by chance: nothing is proved.",
        mean=mean,
        compared=words.number(found.compared),
    )

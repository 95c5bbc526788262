"""Use case: when does this customer need what again, how sure is that, how much, and what does it rest on."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
from fastapi import APIRouter, Request

from features.purchases import last_day
from models.arrays import Floats, codes_of
from models.published import CHAMPION, PublishedReplenishment
from models.time_to_event.curves import quantile
from models.time_to_event.durations import HORIZON
from models.time_to_event.forecast import Forecasts
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.missing import missing_of
from serving.as_of import moment_of
from serving.openapi import problems
from serving.problems import InvalidField, Refused
from serving.resources import Resources
from serving.restock.customer import Customer, customer_of, dated, over_groups
from serving.restock.schemas import Due, ForecastAnswer, ForecastRequest, RestockEvidence, RestockForecast
from serving.restock.wording import NO_PAST, Past, RestockWording, restock_wording
from serving.schemas import ModelReference, Subject

router = APIRouter(tags=["restock"])
_PROBLEMS = problems("malformed_json", "payload_too_large", "unsupported_media_type", "model_unavailable")
_EPOCH = date(1970, 1, 1)
_AHEAD = (7, 14, 28)
_NOBODY = Due(p10=None, p50=None, p90=None)


@router.post("/v1/restock/forecast", responses=_PROBLEMS)
async def restock_forecast(request: Request, body: ForecastRequest) -> ForecastAnswer:
    """When each product that a customer buys will be needed again, the soonest first.

    An order of a moment ago is in the answer. Where the evidence is thin nothing is claimed, and `words` say what is
    missing; a customer who is not known has no items.
    """
    resources: Resources = request.app.state.resources
    published, body = resources.restock.published(), resources.privacy.asked(body)
    as_of = moment_of(resources, body.as_of)
    _check_dates(body.dates, last_day(as_of))
    return await resources.in_thread(forecast_of, resources, published, body, as_of)


def reference(published: PublishedReplenishment) -> ModelReference:
    """The version that answered."""
    return ModelReference(name=published.version.name, version=published.version.number, alias=CHAMPION)


def _due_of(day: int, curves: Floats) -> list[Due]:
    """The days by which it has happened, as dates, for each row of curves."""
    p10, p50, p90 = ((day + quantile(curves, share)).tolist() for share in (0.1, 0.5, 0.9))
    return [
        Due(p10=dated(early), p50=dated(middle), p90=dated(late))
        for early, middle, late in zip(p10, p50, p90, strict=True)
    ]


def nothing_because(subject: Subject, customer: Customer | None) -> str:
    """Why there is nothing to say of this customer, as a code of the wording; "" when there is something."""
    if subject.user_id is None and subject.anonymous_id is None:
        return "no_subject"
    return "" if customer is not None and len(customer.lines.days) else "unknown_customer"


def _check_dates(dates: tuple[date, ...], day: int) -> None:
    first, last = _EPOCH + timedelta(days=day + 1), _EPOCH + timedelta(days=day + HORIZON)
    detail = f"the date must lie from {first} to {last}: forecasts look {HORIZON} days ahead"
    errors = [
        InvalidField(pointer=f"/dates/{place}", code="out_of_range", detail=detail)
        for place, wanted in enumerate(dates)
        if not first <= wanted <= last
    ]
    if errors:
        raise Refused("validation_error", f"{len(errors)} dates cannot be answered: {detail}", errors)


def forecast_of(
    resources: Resources, published: PublishedReplenishment, body: ForecastRequest, as_of: datetime
) -> ForecastAnswer:
    """The answer to `body`, from what was known just before `as_of`."""
    words = restock_wording(body.locale)
    customer = customer_of(resources.restock.histories, resources.identities, body.subject, as_of)
    nothing = nothing_because(body.subject, customer)
    told = (as_of if body.as_of else resources.clock()).astimezone(UTC)
    if customer is None or (nothing and not body.item_ids):
        return ForecastAnswer(
            as_of=told, items=[], next_order=_NOBODY, words=words.nothing[nothing], model=reference(published)
        )
    model, day = published.model, last_day(as_of)
    lines = over_groups(customer.lines, model.groups, resources.restock.places(model.groups))
    forecasts = model.forecast(lines, day)
    medians = _median_intervals(lines, model.groups)
    ahead = {_EPOCH + timedelta(days=day + days): days for days in _AHEAD}
    if body.dates:
        ahead = {wanted: (wanted - _EPOCH).days - day for wanted in body.dates}
    dues = _due_of(day, forecasts.curves)
    items = [
        _unknown(item_id, missing, words)
        if row is None
        else _item(forecasts, row, item_id, dues[row], medians, ahead, words)
        for item_id, row, missing in _rows(forecasts, model.groups, body.item_ids)
    ]
    order = sorted(range(len(items)), key=lambda place: (items[place].due.p50 or date.max, items[place].item_id))
    return ForecastAnswer(
        as_of=told,
        items=items if body.item_ids else [items[place] for place in order],
        next_order=_due_of(day, forecasts.trips)[0],
        words=words.nothing[nothing] if nothing else None,
        model=reference(published),
    )


def _rows(forecasts: Forecasts, groups: Groups, item_ids: tuple[str, ...]) -> Iterator[tuple[str, int | None, str]]:
    """The product, its row and what is missing where it has none: of the products asked for, or of every row."""
    if not item_ids:
        yield from ((str(id_), row, "") for row, id_ in enumerate(forecasts.product_ids))
        return
    known = {str(unit): row for row, unit in enumerate(forecasts.unit_ids)}
    for item_id, code in zip(item_ids, codes_of(item_ids, groups.product_ids).tolist(), strict=True):
        unit = groups.units[code] if code >= 0 else -1
        row = known.get(str(groups.unit_ids[unit])) if unit >= 0 else None
        yield item_id, row, missing_of(item_id, groups)


def _unknown(item_id: str, missing: str, words: RestockWording) -> RestockForecast:
    """Of a product whose group the customer never bought."""
    return RestockForecast(
        item_id=item_id,
        group=None,
        due=_NOBODY,
        probability_due_by={},
        quantity=None,
        status="unknown",
        confidence="none",
        missing=missing,
        evidence=RestockEvidence(
            purchases=0, median_interval_days=None, last_purchase=None, last_quantity=None, level="customer_group"
        ),
        words=words.forecast(NO_PAST, "unknown", missing, None),
    )


def _item(
    forecasts: Forecasts,
    row: int,
    item_id: str,
    due: Due,
    medians: Mapping[str, float],
    ahead: Mapping[date, int],
    words: RestockWording,
) -> RestockForecast:
    group, status, curve = str(forecasts.unit_ids[row]), forecasts.status[row], forecasts.curves[row]
    known, lacks = status != "unknown", str(forecasts.missing[row])
    due = due if known else _NOBODY
    evidence = forecasts.evidence
    past = Past(
        int(evidence["purchases"][row]),
        dated(forecasts.day - float(evidence["elapsed"][row])),
        float(evidence["last_packs"][row]),
        medians.get(group),
    )
    return RestockForecast(
        item_id=item_id,
        group=group,
        due=due,
        probability_due_by={when: round(1 - float(curve[days]), 4) for when, days in ahead.items()} if known else {},
        quantity=int(forecasts.packs[row]) if known else None,
        status=status,
        confidence=forecasts.confidence[row],
        missing=lacks or None,
        evidence=RestockEvidence(
            purchases=past.purchases,
            median_interval_days=past.interval,
            last_purchase=past.last,
            last_quantity=past.packs,
            level="customer_item" if group.startswith("product:") else "customer_group",
        ),
        words=words.forecast(past, status, lacks, due.p50),
    )


def _median_intervals(lines: Lines, groups: Groups) -> Mapping[str, float]:
    """The median number of days between two purchases of each group that was bought on more than one day."""
    purchases = lines.by_group(groups)
    same = np.diff(purchases.units) == 0
    units, gaps = purchases.units[1:][same], np.diff(purchases.days)[same]
    order = np.lexsort((gaps, units))
    gaps = gaps[order]
    found, starts, counts = np.unique(units[order], return_index=True, return_counts=True)
    medians = (gaps[starts + (counts - 1) // 2] + gaps[starts + counts // 2]) / 2
    return dict(zip(purchases.unit_ids[found].tolist(), medians.tolist(), strict=True))

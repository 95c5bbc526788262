"""The report `restock-calendar`, from the newest table of who is due, the two logs, and the live version's evidence."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine

from features.catalog import Catalog
from features.database import open_database
from features.history import position
from features.log import DECISIONS, EVENTS, Log
from features.one_history import check_whole
from features.privacy.personal import identities_to_learn_from
from features.reports.restock_calendar import DueDay, RestockCalendar
from features.restock_table import RestockTable, newest, read
from models.published import CHAMPION, Version
from models.registry import Registry
from models.time_to_event.replenishment import Replenishment
from pipelines.reports.restock_past import pasts
from pipelines.settings import Settings
from training.replenishment.honesty import CALIBRATION
from training.replenishment.lines import lines_of
from training.reports import restock_demand
from training.reports.restock_acceptance import accepted
from training.reports.restock_calibration import calibration
from training.reports.restock_days import due_days
from training.reports.restock_demand import demand
from training.reports.restock_past import swing
from training.reports.swings import day_swing, demand_swing, total_swing, weekdays


def compute(
    settings: Settings, registry: Registry, as_of: datetime, computed_at: datetime
) -> Iterator[tuple[str, str, RestockCalendar]]:
    """One report of the whole shop, as of the table's own moment; none where nobody was scored before `as_of`."""
    try:
        path = newest(settings.feature_data, as_of)
    except FileNotFoundError:
        return
    table = read(path)
    live = registry.alias(Replenishment.name, CHAMPION)
    engine = open_database(settings.database_url)
    try:
        products = {product.product_id: product.title for product in Catalog(engine).changed_since(0).products}
        days, swings = _unsure(settings, engine, registry, live, table)
        needed = demand(table, products.get, *swings)
        heard = accepted(Log(engine, EVENTS), Log(engine, DECISIONS), as_of)
    finally:
        engine.dispose()
    yield (
        "restock-calendar",
        "",
        RestockCalendar(
            as_of=table.as_of,
            computed_at=computed_at,
            customers=len(table.customer_ids),
            forecasts=len(table),
            days=days,
            demand_days=restock_demand.DAYS,
            demand=needed.largest,
            groups=needed.groups,
            products=needed.products,
            packs=needed.packs,
            model_version=live.number if live else None,
            calibration=calibration(registry.table(live, CALIBRATION), live.number) if live else None,
            carts=heard.carts,
            carts_since=heard.since,
            acceptance=heard.by_confidence,
            simulated=heard.made,
        ),
    )


def _unsure(
    settings: Settings, engine: Engine, registry: Registry, live: Version | None, table: RestockTable
) -> tuple[tuple[DueDay, ...], tuple[float, float]]:
    """The days ahead, and the swings of the packs of a group and of all together, by what everybody had bought."""
    reached = position(settings.history)
    if live is not None:
        check_whole(settings.history, reached)
    if live is None or not reached:
        return due_days(table), (0.0, 0.0)
    lines, ids = lines_of(settings.history, identities_to_learn_from(engine), table.as_of, work=settings.work)
    model = registry.load(live).model
    bought = lines.by_group(model.groups)
    seen = swing(list(pasts(model, lines, ids)))
    days = due_days(table, day_swing(bought) if seen is None else seen, weekdays(bought))
    return days, (demand_swing(bought), total_swing(bought))

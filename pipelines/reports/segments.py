"""The report `segments` of the whole shop: newest tables of features before `as_of`, and the history for what came."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from features.compute import Visible, visible
from features.customer_segments import read_customers, read_forecast
from features.database import open_database
from features.first_orders import first_orders, known_until, orderers
from features.privacy.personal import identities_to_learn_from
from features.reports.segments import Segments
from features.snapshots import as_of as moment_of
from models.registry import Registry
from pipelines.settings import Settings
from training.reports.gateways import FEWEST, LEAD, WITHIN
from training.reports.segments import Foreseen, Known, segments

_AHEAD = timedelta(days=28)


def compute(
    settings: Settings,
    registry: Registry,  # noqa: ARG001 - what every report is computed from
    as_of: datetime,
    computed_at: datetime,
) -> Iterator[tuple[str, str, Segments]]:
    """The one report there is, with the scope ""."""
    engine = open_database(settings.database_url)
    try:
        identities = identities_to_learn_from(engine)
    finally:
        engine.dispose()
    customers = _newest(settings.feature_data, "customer", as_of)
    latest = _newest(settings.feature_data, "customer_restock", as_of)
    with visible(settings.history, identities, as_of) as seen:
        known = Known(
            customers=(moment_of(customers), read_customers(customers)) if customers else None,
            latest=Foreseen(moment_of(latest), read_forecast(latest)) if latest else None,
            checked=_checked(settings.feature_data, seen),
            first=first_orders(seen, LEAD, WITHIN, FEWEST),
        )
    yield "segments", "", segments(known, as_of, computed_at)


def _checked(feature_data: Path, seen: Visible) -> Foreseen | None:
    """The latest forecast whose 28 days the history reaches beyond."""
    last = known_until(seen)
    path = _newest(feature_data, "customer_restock", last - _AHEAD) if last else None
    if path is None:
        return None
    made = moment_of(path)
    came = orderers(seen, made, made + _AHEAD)["customer_id"].to_pylist()
    return Foreseen(made, read_forecast(path), came)


def _newest(feature_data: Path, view: str, before: datetime) -> Path | None:
    """The latest table of a view that was made for a moment not after `before`."""
    paths = (path for path in (feature_data / view).glob("*.parquet") if moment_of(path) <= before)
    return max(paths, key=moment_of, default=None)

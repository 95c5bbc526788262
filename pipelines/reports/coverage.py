"""The report `coverage` of the whole shop: counted in the history, the catalogue and the newest forecast."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from features import coverage
from features.catalog import Catalog
from features.compute import visible
from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from features.reports.coverage import Coverage
from features.restock_table import newest, read
from models.registry import Registry
from pipelines.settings import Settings


def compute(
    settings: Settings,
    registry: Registry,  # noqa: ARG001 - what every report is computed from
    as_of: datetime,
    computed_at: datetime,
) -> Iterator[tuple[str, str, Coverage]]:
    """The one report there is, with the scope ""."""
    engine = open_database(settings.database_url)
    try:
        identities = identities_to_learn_from(engine)
        sells = {product.product_id for product in Catalog(engine).changed_since(0).products}
    finally:
        engine.dispose()
    with visible(settings.history, identities, as_of) as seen:
        counted = coverage.known(seen)
        sold = coverage.sold(seen)
    yield (
        "coverage",
        "",
        Coverage(
            as_of=as_of,
            computed_at=computed_at,
            **asdict(counted),
            foreseen=_foreseen(settings, as_of),
            products=len(sells),
            products_sold=len(sold),
            sold_and_known=len(sold & sells),
        ),
    )


def _foreseen(settings: Settings, as_of: datetime) -> int | None:
    try:
        return len(read(newest(settings.feature_data, as_of)).customer_ids)
    except FileNotFoundError:
        return None

"""Of how many customers and products something is known, counted by DuckDB in what is visible as of a moment."""

from dataclasses import dataclass
from importlib.resources import files

from features.compute import Visible


@dataclass(frozen=True)
class Known:
    """Counts: see `features/reports/coverage.py`."""

    customers: int
    buyers: int
    repeat_buyers: int
    periodic_pairs: int
    days: int


def known(seen: Visible) -> Known:
    """The counts of one shop; all 0 where nothing happened yet."""
    row = seen.connection.execute(files("features").joinpath("sql", "coverage.sql").read_text()).fetchone()
    return Known(*(int(value or 0) for value in row or (0,) * 5))


def sold(seen: Visible) -> set[str]:
    """The products that anybody ever bought and kept."""
    bought = "type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned"
    query = f"SELECT DISTINCT product_id FROM visible WHERE {bought}"
    return {str(product) for (product,) in seen.connection.execute(query).fetchall()}

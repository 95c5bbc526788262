"""What may stand on a page, before any model is asked: one mask over all products, put together from kept ones."""

import numpy as np

from models.arrays import Codes, Mask
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.history import history_of
from serving.rules.operands import within
from serving.rules.page import Page
from serving.rules.periodic import periodic
from serving.rules.price_band import price_band
from serving.rules.rules import Rules


def allow(rules: Rules, page: Page, columns: Columns) -> Mask:
    """Which of `columns.item_ids` may be shown, not to be written to: where nothing concerns this page or visitor alone
    it is one kept array for everybody. Raises FilterError for the filter of the page only.

    A product that the shop does not sell never is, whatever the rules. With a location, what the shop counts by
    location must be there; a location that a counted product does not name has none of it.
    """
    allowed = _on_sale(rules, page.location_id, columns)
    if rules.filter is not None:
        allowed = allowed & mask(columns, rules.filter, strict=False)
    if page.filter is not None:
        allowed = allowed & mask(columns, page.filter)
    if page.category is not None:
        allowed = allowed & _in_category(page.category, columns)
    hidden = _hidden(rules, page, columns)
    if not (len(hidden) or rules.price_band is not None or rules.exclude_purchased or rules.exclude_viewed):
        return allowed
    allowed = allowed.copy()
    if rules.price_band is not None:
        history = columns.codes(page.history_ids)
        band = price_band(columns, history[history >= 0], rules.price_band)
        allowed &= True if band is None else band
    if rules.exclude_purchased or rules.exclude_viewed:
        by_product = history_of(page, columns)
        if rules.exclude_purchased:
            allowed[by_product.bought[~periodic(columns)[by_product.bought]]] = False
        if rules.exclude_viewed:
            allowed[by_product.only_viewed] = False
    allowed[hidden] = False
    return allowed


_NOTHING: Codes = np.empty(0, np.int32)


def _hidden(rules: Rules, page: Page, columns: Columns) -> Codes:
    cart = page.cart_ids if rules.exclude_in_cart else ()
    context = page.context_ids if rules.exclude_context else ()
    ids = (*page.excluded_ids, *cart, *context)
    if not ids:
        return _NOTHING
    codes = columns.codes(ids)
    return codes[codes >= 0]


def _on_sale(rules: Rules, location_id: str | None, columns: Columns) -> Mask:
    def compute() -> Mask:
        if not rules.in_stock:
            return columns.sold.copy()
        there = columns.in_stock & columns.sold
        if location_id is None:
            return there
        stock = columns.stock.get(location_id, np.zeros(len(there), bool))
        return there & (stock | ~columns.counted)

    key = ("on sale", rules.in_stock, location_id if location_id in columns.stock else location_id is None)
    return np.asarray(columns.masks.get(key, compute))


def _in_category(category: str, columns: Columns) -> Mask:
    return np.asarray(
        columns.masks.get(
            ("category", category), lambda: columns.texts["category"].holds(within([category]), unknown=False)
        )
    )

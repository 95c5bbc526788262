"""REES46 open data: what visitors of a shop viewed, put into the cart and bought, a CSV a month.

Purchases have no order number; what one visitor bought in one session is taken as one order. Prices come without a
currency, and none is made up.
"""

from pipelines.presets.base import Preset, Projection

_TYPE = """CASE event_type WHEN 'view' THEN 'product_viewed' WHEN 'cart' THEN 'product_added'
    WHEN 'remove_from_cart' THEN 'product_removed' WHEN 'purchase' THEN 'order_completed' ELSE event_type END"""

PRESET = Preset(
    name="rees46",
    events=Projection(
        needs=("event_time", "event_type", "product_id", "price", "user_id", "user_session"),
        columns={
            "type": _TYPE,
            "occurred_at": "event_time",
            "user_id": "user_id",
            "order_id": "if(event_type = 'purchase', concat_ws('-', user_session, user_id), NULL)",
            "product_id": "product_id",
            "price": "price",
        },
    ),
    products=Projection(
        needs=("event_time", "product_id", "category_code", "brand", "price"),
        group_by="product_id",
        columns={
            "product_id": "any_value(product_id)",
            "category": "replace(arg_max(category_code, event_time), '.', '/')",
            "brand": "arg_max(brand, event_time)",
            "price": "arg_max(price, event_time) FILTER (TRY_CAST(price AS DOUBLE) > 0)",
        },
    ),
)

"""Online Retail (UCI 352): two years of a British web shop, as Parquet or CSV of the publisher's columns.

An invoice that begins with C gives goods back: `order_refunded`. Sales without a CustomerID are rejected, as are the
shop's own corrections of its stock (negative quantities outside of such invoices). Times are those of London.
"""

from pipelines.presets.base import Preset, Projection

_TIME = """(coalesce(TRY_CAST(InvoiceDate AS TIMESTAMP), TRY_STRPTIME(CAST(InvoiceDate AS VARCHAR), '%m/%d/%Y %H:%M'))
    AT TIME ZONE 'Europe/London')"""
_QUANTITY = "TRY_CAST(Quantity AS DOUBLE)"

PRESET = Preset(
    name="online-retail",
    events=Projection(
        needs=("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"),
        columns={
            "type": "if(starts_with(InvoiceNo, 'C'), 'order_refunded', 'order_completed')",
            "occurred_at": _TIME,
            "user_id": "TRY_CAST(TRY_CAST(CustomerID AS DOUBLE) AS BIGINT)",
            "order_id": "InvoiceNo",
            "product_id": "StockCode",
            "quantity": f"if(starts_with(InvoiceNo, 'C'), -{_QUANTITY}, {_QUANTITY})",
            "price": "UnitPrice",
            "currency": "'GBP'",
        },
    ),
    products=Projection(
        needs=("StockCode", "Description", "InvoiceDate", "UnitPrice"),
        # five digits tell goods from postage, bank charges and the like
        group_by="if(regexp_matches(StockCode, '^[0-9]{5}'), StockCode, NULL)",
        columns={
            "product_id": "any_value(StockCode)",
            "title": "mode(trim(Description))",
            "price": f"arg_max(UnitPrice, {_TIME}) FILTER (TRY_CAST(UnitPrice AS DOUBLE) > 0)",
            "currency": "'GBP'",
        },
    ),
)

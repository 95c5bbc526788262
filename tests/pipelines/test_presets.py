"""Presets: publishers' files become events and a catalogue, with the counts that can be told from the files alone."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec
import pytest

from features.catalog import Catalog, Product
from features.database import open_database
from features.events import Body, Line
from features.log import EVENTS, Log, Record, moment
from pipelines.catalog import import_catalog
from pipelines.event_rows import MissingColumns
from pipelines.ingest import ImportReport, ingest
from pipelines.presets.registry import PRESETS, preset_of

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def imported(
    preset: str, path: Path | None, folder: Path
) -> tuple[ImportReport, dict[str, Record], dict[str, Product]]:
    """The report, the events by key and the products by id, in an empty database."""
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    rejects = folder / "rejects.csv"
    report = ingest(path, engine, AT, PRESETS[preset], reject_file=rejects)
    import_catalog(path, engine, AT, PRESETS[preset], reject_file=rejects)
    events = {record.key: record for batch in Log(engine, EVENTS).scan() for record in batch}
    return report, events, {product.product_id: product for product in Catalog(engine).all()}


def body_of(record: Record) -> Body:
    return msgspec.json.decode(record.payload, type=Body)


def write_csv(path: Path, text: str) -> Path:
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_whole_complete_journey_gets_in(tmp_path: Path) -> None:
    report, events, products = imported("complete-journey", None, tmp_path)
    source = PRESETS["complete-journey"].path_of(PRESETS["complete-journey"].events, None)
    ((rows, zeros, baskets, value),) = duckdb.sql(f"""
        SELECT count(*), count(*) FILTER (quantity <= 0), count(DISTINCT basket_id) FILTER (quantity > 0),
            sum(sales_value) FILTER (quantity > 0)
        FROM '{source}'
    """).fetchall()
    assert (report.rows, report.rejected) == (rows, {"quantity zero or negative": zeros})
    assert report.events == len(events) == baskets
    bodies = [body_of(record) for record in events.values()]
    assert sum(len(body.lines) for body in bodies) == rows - zeros
    paid = sum(line.quantity * float(line.price or 0) for body in bodies for line in body.lines)
    assert paid == pytest.approx(value, rel=1e-3)
    assert {line.product_id for body in bodies for line in body.lines} & products.keys()
    assert products["26190"].title == "Apple sauce, 50 oz"
    assert products["26190"].category == "Grocery/Fruit - shelf stable/Apple sauce"
    assert products["26190"].brand == "Private"
    assert products["26190"].price is None
    assert products["26190"].attributes["manufacturer"] == "69"
    assert all(product.title and product.category for product in products.values())
    fuel = [product for product in products.values() if (product.category or "").startswith("Fuel/")]
    assert fuel
    assert not any(product.in_stock for product in fuel)
    assert products["26190"].in_stock


def test_complete_journey_reads_the_folder_that_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    duckdb.sql("""
        SELECT 7 AS household_id, 1 AS basket_id, 42 AS product_id, quantity, 10.0 AS sales_value,
            TIMESTAMP '2017-01-01 11:53:26' AS transaction_timestamp
        FROM (VALUES (3), (0), (20000)) line(quantity)
    """).write_parquet(str(folder / "transactions.parquet"))
    duckdb.sql("""
        SELECT 42 AS product_id, 9 AS manufacturer_id, 'DRUG GM' AS department, 'National' AS brand,
            'FRZN ICE' AS product_category, 'ICE - CRUSHED/CUBED' AS product_type, '22 LB (1)' AS package_size
    """).write_parquet(str(folder / "products.parquet"))
    report, events, products = imported("complete-journey", folder, tmp_path)
    assert (report.rows, report.rejected) == (3, {"quantity zero or negative": 1})
    (record,) = events.values()
    assert (record.user_id, moment(record.occurred_at)) == ("7", datetime(2017, 1, 1, 11, 53, 26, tzinfo=UTC))
    assert body_of(record) == Body(
        order_id="1",
        currency="USD",
        lines=(
            Line(product_id="42", quantity=20_000.0, price=Decimal("0.0005")),
            Line(product_id="42", quantity=3.0, price=Decimal("3.3333")),
        ),
    )
    assert products["42"].title == "Ice - crushed, cubed, 22 lb"
    assert products["42"].category == "Drug gm/Frozen ice/Ice - crushed, cubed"


RETAIL = """
    InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
    536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
    536365,71053,WHITE METAL LANTERN,8,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
    536366,POST,POSTAGE,1,7/1/2011 09:00,18,17851,France
    C536391,71053,WHITE METAL LANTERN,-2,2011-07-02 10:00:00,3.39,17850.0,United Kingdom
    536400,71053,,5,2011-07-03 10:00:00,4.00,,United Kingdom
    536401,71053,damaged,-5,2011-07-03 11:00:00,0,17850,United Kingdom
"""


def test_online_retail_sells_and_takes_back(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "retail.csv", RETAIL)
    report, events, products = imported("online-retail", path, tmp_path)
    assert report.rejected == {"no customer id": 1, "quantity zero or negative": 1}
    assert Counter(record.type for record in events.values()) == {"order_completed": 2, "order_refunded": 1}
    summer = moment(events["order_completed:536366"].occurred_at)
    assert summer == datetime(2011, 7, 1, 8, 0, tzinfo=UTC)
    (refund,) = [record for record in events.values() if record.type == "order_refunded"]
    assert refund.user_id == "17850"
    assert body_of(refund) == Body(
        order_id="C536391", currency="GBP", lines=(Line(product_id="71053", quantity=2.0, price=Decimal("3.39")),)
    )
    assert products.keys() == {"85123A", "71053"}
    assert products["71053"].title == "WHITE METAL LANTERN"
    assert products["71053"].price == Decimal(4)


REES46 = """
    event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
    2019-10-01 00:00:00 UTC,view,44600062,2103,,shiseido,35.79,541312140,s1
    2019-10-01 00:00:01 UTC,cart,1004237,2053,electronics.smartphone,apple,1081.98,541312140,s1
    2019-10-01 00:00:02 UTC,remove_from_cart,1004237,2053,electronics.smartphone,apple,1081.98,541312140,s1
    2019-10-01 00:00:09 UTC,purchase,1004237,2053,electronics.smartphone,apple,1000.00,541312140,s1
    2019-10-01 00:00:05 UTC,purchase,44600062,2103,,shiseido,35.79,541312140,s1
    2019-10-01 00:00:05 UTC,purchase,44600062,2103,,shiseido,35.79,541312140,s2
    2019-10-01 00:00:06 UTC,wish,44600062,2103,,shiseido,35.79,541312140,s2
    2019-10-01 00:00:07 UTC,view,44600
"""


def test_rees46_purchases_of_a_session_are_one_order(tmp_path: Path) -> None:
    report, events, products = imported("rees46", write_csv(tmp_path / "rees46.csv", REES46), tmp_path)
    assert report.rejected == {"unknown type": 1, "wrong column count": 1}
    assert Counter(record.type for record in events.values()) == {
        "product_viewed": 1,
        "product_added": 1,
        "product_removed": 1,
        "order_completed": 2,
    }
    order = events["order_completed:s1-541312140"]
    assert moment(order.occurred_at) == datetime(2019, 10, 1, 0, 0, 5, tzinfo=UTC)
    assert [line.product_id for line in body_of(order).lines] == ["1004237", "44600062"]
    assert products["1004237"] == Product(
        product_id="1004237", category="electronics/smartphone", brand="apple", price=Decimal(1000)
    )


@pytest.mark.parametrize("name", ["online-retail", "rees46"])
def test_a_preset_without_data_asks_for_them_and_refuses_others(name: str, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    with pytest.raises(ValueError, match="no data of its own"):
        ingest(None, engine, AT, PRESETS[name])
    other = write_csv(tmp_path / "other.csv", "a,b\n1,2")
    with pytest.raises(MissingColumns, match="lacks the columns"):
        ingest(other, engine, AT, PRESETS[name])


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="complete-journey, online-retail, rees46"):
        preset_of("movielens")

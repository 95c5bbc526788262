"""Import of the catalogue: documented columns become fields, others attributes, and a bad row costs only itself."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import Engine

from features.catalog import Catalog, Product
from features.database import open_database
from pipelines.catalog import CatalogReport, import_catalog

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

FILE = """product_id,title,category,brand,price,currency,url,image_url,in_stock,origin,"a 'quoted' ""name""\"
tea,"Green tea, 100 g",Drinks > Tea,Kairos,4.90,eur,https://shop.example/tea?a=b,http://img.example/1.jpg,yes,Japan,x
milk,,/drinks/milk/,,,,,,out of stock,,
"""

TEA = Product(
    product_id="tea",
    title="Green tea, 100 g",
    category="Drinks/Tea",
    brand="Kairos",
    price=Decimal("4.9"),
    currency="EUR",
    url="https://shop.example/tea?a=b",
    image_url="http://img.example/1.jpg",
    attributes={"origin": "Japan", "a 'quoted' \"name\"": "x"},
)
MILK = Product(product_id="milk", category="drinks/milk", in_stock=False)


def imported(tmp_path: Path, content: str, engine: Engine | None = None, full: bool = False) -> CatalogReport:
    file = tmp_path / "products.csv"
    file.write_text(content, encoding="utf-8")
    engine = engine or open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    return import_catalog(file, engine, AT, full=full)


def products(tmp_path: Path) -> list[Product]:
    return Catalog(open_database(f"sqlite:///{tmp_path / 'kairos.db'}")).all()


def test_columns_become_fields_and_others_attributes(engine: Engine, tmp_path: Path) -> None:
    report = imported(tmp_path, FILE, engine)
    assert (report.rows, report.accepted, report.changed, report.rejected) == (2, 2, 2, {})
    assert Catalog(engine).all() == [MILK, TEA]
    revision = Catalog(engine).revision()
    assert imported(tmp_path, FILE, engine).changed == 0
    assert Catalog(engine).revision() == revision


def test_the_formats_agree(tmp_path: Path) -> None:
    source = tmp_path / "products.csv"
    source.write_text(FILE, encoding="utf-8")
    with source.open(encoding="utf-8", newline="") as file:
        rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
    (tmp_path / "products.jsonl").write_text("\n".join(map(json.dumps, rows)))
    query = f"SELECT * REPLACE (CAST(price AS DECIMAL(9, 2)) AS price) FROM read_csv('{source}', all_varchar = true)"
    duckdb.sql(query).write_parquet(str(tmp_path / "products.parquet"))
    for name in ("products.csv", "products.jsonl", "products.parquet"):
        engine = open_database(f"sqlite:///{tmp_path / name}.db")
        import_catalog(tmp_path / name, engine, AT)
        assert Catalog(engine).all() == [MILK, TEA], name


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no product_id", ",tea,,,"),
        ("product_id over 256 characters", f"{'p' * 257},tea,,,"),
        ("NUL character", "a\x00b,tea,,,"),
        ("negative price", "tea,,-1,,"),
        ("unreadable price", "tea,,free,,"),
        ("unreadable currency", "tea,,1,euros,"),
        ("broken URL", "tea,,,,shop.example/tea"),
        ("broken URL", "tea,,,,javascript:alert(1)"),
        ("broken URL", "tea,,,,https://"),
        ("broken URL", "tea,,,,https://shop example/"),
        ("URL over 2048 characters", f"tea,,,,https://shop.example/{'x' * 2048}"),
        ("text over 1024 characters", f"tea,{'x' * 1025},,,"),
        ("product_id twice in the file", "milk,again,,,"),
        ("wrong column count", "tea"),
        ("broken quotes", '"tea" x,,,,'),
    ],
)
def test_a_bad_row_costs_only_itself(reason: str, row: str, tmp_path: Path) -> None:
    report = imported(tmp_path, f"product_id,title,price,currency,url\nmilk,Milk,,,\n{row}\nlast,Last,0,USD,\n")
    assert (report.rows, report.accepted, report.rejected) == (3, 2, {reason: 1})
    assert [product.title for product in products(tmp_path)] == ["Last", "Milk"]
    assert report.reject_file is not None
    with report.reject_file.open(encoding="utf-8", newline="") as file:
        assert [(line["line"], line["reason"]) for line in csv.DictReader(file)] == [("3", reason)]


def test_undecodable_bytes_and_unreadable_stock_cost_only_their_row(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes(b"product_id,in_stock\na,true\n\xff,true\nc,maybe\nd,FALSE\n")
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    report = import_catalog(tmp_path / "products.csv", engine, AT)
    assert report.rejected == {"undecodable bytes": 1, "unreadable in_stock": 1}
    assert {product.product_id: product.in_stock for product in products(tmp_path)} == {"a": True, "d": False}


def test_stock_by_location_groups_and_cadence_are_read(tmp_path: Path) -> None:
    columns = "product_id,group_id,periodic,stock.msk-12,stock.spb,stockings\n"
    report = imported(tmp_path, f"{columns}a,g,yes,3,0.5,red\nb,,,,,\nc,,no,few,,\nd,,,,-1,\ne,,often,,,\nf,,,nan,,\n")
    assert report.rejected == {"unreadable stock": 2, "negative stock": 1, "unreadable periodic": 1}
    assert products(tmp_path) == [
        Product(
            product_id="a",
            group_id="g",
            periodic=True,
            stock={"msk-12": 3.0, "spb": 0.5},
            attributes={"stockings": "red"},
        ),
        Product(product_id="b"),
    ]


def test_the_full_assortment_marks_the_rest_as_gone_but_not_what_was_rejected(tmp_path: Path) -> None:
    imported(tmp_path, "product_id,price\na,1\nb,2\nc,3\n")
    report = imported(tmp_path, "product_id,price\na,1\nb,-2\n", full=True)
    assert report.changed == 1
    assert [(product.product_id, product.price) for product in products(tmp_path)] == [
        ("a", Decimal(1)),
        ("b", Decimal(2)),
    ]
    with pytest.raises(ValueError, match="would leave nothing"):
        imported(tmp_path, "product_id,price\na,-1\n", full=True)
    assert len(products(tmp_path)) == 2


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lacks the columns product_id; found: sku, title"):
        imported(tmp_path, "sku,title\n1,2\n")
    with pytest.raises(ValueError, match="name the file"):
        import_catalog(None, open_database("sqlite://"), AT)
    with pytest.raises(FileNotFoundError, match="is not a file"):
        import_catalog(tmp_path / "missing.csv", open_database("sqlite://"), AT)

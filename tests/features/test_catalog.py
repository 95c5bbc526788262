"""The catalogue: what was said last counts, nothing is lost, every change raises the revision; on both databases."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from features.catalog import Catalog, Product
from features.database import metadata, open_database

AT = datetime(2026, 11, 21, tzinfo=UTC)

TEA = Product(
    product_id="tea/1 ü",
    title="Grüner Tee, 100 g",
    category="drinks/tea",
    brand="Kairos",
    price=Decimal("4.90"),
    currency="EUR",
    url="https://shop.example/tea",
    image_url="https://shop.example/tea.jpg",
    in_stock=False,
    attributes={"origin": "Darjeeling", "a": "\x00"},
    group_id="teas",
    stock={"msk-12": 2.5, "spb": 0.0},
    periodic=True,
)
MILK = Product(product_id="milk")


def test_what_was_written_is_what_is_read(engine: Engine) -> None:
    catalog = Catalog(engine)
    assert catalog.upsert([TEA, MILK], AT) == 2
    assert catalog.read(["milk", "tea/1 ü", "unknown"]) == {"milk": MILK, "tea/1 ü": TEA}
    assert catalog.read([]) == {}


def test_all_and_pages_are_sorted_by_code_points(engine: Engine) -> None:
    catalog = Catalog(engine)
    ids = ["b", "B", "a", "10", "9", "ä", "z", "_", "Ж", "🛒", "\uffee"]
    catalog.upsert([Product(product_id=id_) for id_ in ids], AT)
    assert [product.product_id for product in catalog.all()] == sorted(ids)
    seen: list[str] = []
    while page := catalog.page(seen[-1] if seen else None, 4):
        assert len(page) <= 4
        seen += [product.product_id for product in page]
    assert seen == sorted(ids)


def test_the_revision_rises_with_every_change_and_only_then(engine: Engine) -> None:
    catalog = Catalog(engine)
    assert catalog.revision() == 0
    revisions = [0]
    for products, full, changed in (
        ([TEA], False, 1),
        ([TEA], False, 0),
        ([TEA, MILK], False, 1),
        ([MILK], True, 1),
        ([MILK], True, 0),
        ([TEA], False, 1),
        ([], True, 2),
        ([], True, 0),
    ):
        assert catalog.upsert(products, AT, full) == changed
        assert (Catalog(engine).revision() > revisions[-1]) == bool(changed)
        revisions.append(catalog.revision())


def test_what_is_gone_keeps_its_row_and_can_come_back(engine: Engine) -> None:
    catalog = Catalog(engine)
    catalog.upsert([TEA, MILK], AT)
    catalog.upsert([MILK], AT, full=True)
    assert catalog.all() == [MILK]
    assert catalog.read(["tea/1 ü"]) == {}
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(metadata.tables["product"])).scalar() == 2
    assert catalog.upsert([TEA], AT) == 1
    assert catalog.all() == [MILK, TEA]


def test_a_reader_that_takes_what_changed_has_what_is_there(engine: Engine) -> None:
    catalog = Catalog(engine)
    everything = catalog.changed_since(0)
    assert (everything.revision, everything.products, everything.gone) == (0, [], [])
    catalog.upsert([TEA, MILK], AT)
    first = catalog.changed_since(0)
    assert [product.product_id for product in first.products] == ["milk", "tea/1 ü"]
    assert first.products == catalog.all()
    catalog.upsert([Product(product_id="milk", title="Milk")], AT)
    catalog.upsert([Product(product_id="bread")], AT)
    catalog.upsert([Product(product_id="bread"), Product(product_id="milk", title="Milk")], AT, full=True)
    news = catalog.changed_since(first.revision)
    assert [product.product_id for product in news.products] == ["bread", "milk"]
    assert news.gone == ["tea/1 ü"]
    assert news.revision == catalog.revision()
    assert catalog.changed_since(news.revision).products == []
    assert catalog.changed_since(news.revision).revision == news.revision


def test_when_a_product_came_is_remembered_whatever_is_said_of_it_later(engine: Engine) -> None:
    catalog, later = Catalog(engine), AT + timedelta(days=7)
    catalog.upsert([MILK], AT)
    catalog.upsert([], later, full=True)
    catalog.upsert([Product(product_id="milk", title="Milk"), TEA], later)
    assert catalog.changed_since(0).added == {"milk": AT, "tea/1 ü": later}


def test_the_shop_is_heard_even_when_nothing_changed(engine: Engine) -> None:
    catalog, later = Catalog(engine), AT + timedelta(days=7)
    assert catalog.state().told_at is None
    for at in (AT, later):
        catalog.upsert([MILK], at)
        assert (catalog.state().told_at, catalog.state().revision) == (at, 1)


def test_a_table_of_an_earlier_version_gets_its_new_columns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = open_database(url)
    Catalog(old).upsert([MILK], AT)
    with old.begin() as connection:
        connection.execute(text("ALTER TABLE product DROP COLUMN added_at"))
        connection.execute(text("DROP TABLE kairos_version"))  # which came later still
    old.dispose()
    catalog = Catalog(open_database(url))
    catalog.upsert([TEA], AT)
    changes = catalog.changed_since(0)
    assert changes.products == [MILK, TEA]
    assert changes.added == {TEA.product_id: AT}
    catalog.engine.dispose()


def test_the_last_of_two_with_one_id_counts(engine: Engine) -> None:
    catalog = Catalog(engine)
    assert catalog.upsert([Product(product_id="a", title="old"), Product(product_id="a", title="new")], AT) == 1
    assert catalog.read(["a"])["a"].title == "new"


def test_a_catalogue_larger_than_a_query_has_parameters(engine: Engine) -> None:
    catalog = Catalog(engine)
    products = [Product(product_id=f"{number:06d}") for number in range(3_000)]
    catalog.upsert(products, AT)
    assert list(catalog.read([product.product_id for product in products]).values()) == products
    assert catalog.upsert(products[:-1], AT, full=True) == 1


def test_every_writer_gets_its_own_revision(engine: Engine) -> None:
    def write(number: int) -> None:
        Catalog(engine).upsert([Product(product_id=f"p{number}")], AT)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Catalog(engine).all()) == Catalog(engine).revision() == 6


products = st.builds(
    Product,
    product_id=st.sampled_from("abc"),
    title=st.none() | st.text(st.characters(codec="utf-8")),
    price=st.none() | st.decimals(0, 10**9, places=2),
    in_stock=st.booleans(),
    attributes=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), st.just("x"), max_size=3),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.lists(products, max_size=4), st.booleans()), max_size=4))
def test_it_is_a_dictionary_that_remembers(uploads: list[tuple[list[Product], bool]]) -> None:
    catalog = Catalog(open_database("sqlite://"))
    expected: dict[str, Product] = {}
    for batch, full in uploads:
        catalog.upsert(batch, AT, full)
        expected = ({} if full else expected) | {product.product_id: product for product in batch}
        assert catalog.all() == [expected[id_] for id_ in sorted(expected)]
    catalog.engine.dispose()

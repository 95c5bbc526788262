"""Following the catalogue a change at a time ends where starting anew ends, and nothing that is live is touched."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from features.catalog import Catalog, Product
from features.database import open_database
from models.recommenders.base import Query, days
from models.recommenders.content import FittedContent
from serving.answers import answered
from serving.bundle import FIRST_IMPORT, MOST_CHANGES, Bundle, Shelf
from serving.placements import DEFAULT
from serving.schemas import Context, RecommendationRequest
from serving.visitor import Visitor
from tests.serving.world import BEANS, LEAVES, MILK, NOW, Shop, catalogue

VISITOR = Visitor(np.array(["tea-1", "tea-2", MILK], object), np.full(3, days(NOW) - 2), np.ones(3))


def answers(bundle: Bundle) -> dict[str, Any]:
    """What every placement says to somebody and to nobody, without ids and times."""
    context = Context(item_ids=["tea-1"], query="oolong", category="drinks")
    found = {}
    for name, placement in DEFAULT.items():
        request = RecommendationRequest(placement=placement.name, context=context, limit=20)
        for made in answered(bundle, placement, [request, request], [VISITOR, Visitor()], NOW):
            items = [msgspec.to_builtins(item) for item in made.answer.items]
            found.setdefault(name, []).append((made.answer.strategy, made.answer.fallback, items))
    return found


def said(found: list[tuple[str, str | None, list[dict[str, Any]]]]) -> list[Any]:
    """The same without scores of words: how rare a word is that nobody used before depends on how many came with it."""
    exact = {"item_id", "rank", "source", "reasons", "fields", "promoted"}
    return [
        (
            strategy,
            fallback,
            [{name: item[name] for name in exact} for item in items],
            [item["score"] for item in items if item["source"] != "content"],
        )
        for strategy, fallback, items in found
    ]


@pytest.fixture(scope="module")
def start(shared: Shop) -> Bundle:
    bundle: Bundle = shared.resources.champion.bundle
    return bundle


def test_a_change_at_a_time_leads_where_a_fresh_start_leads(start: Bundle) -> None:
    catalog, at = Catalog(open_database("sqlite://")), NOW
    followed, shelf = start, start.shelf
    catalog.upsert(catalogue(), at)
    for change in (
        [Product(product_id="oolong", title="Oolong", category="drinks/tea", brand="Leaf", price=Decimal(9))],
        [
            Product(product_id="aaa"),
            Product(product_id="zzz", title="Oolong cup", category="cups", attributes={"a": "b"}),
        ],
        [Product(product_id="tea-3", title="Tea No. 3", category="drinks/tea", in_stock=False)],
        [Product(product_id="coffee-1", title="Oolong coffee", category="drinks/mixed", brand="Both")],
    ):
        at += timedelta(hours=1)
        catalog.upsert(change, at)
        changes = replace(catalog.changed_since(1), revision=shelf.revision + 1)
        mine = {product.product_id for product in change}
        changes = replace(changes, products=[one for one in changes.products if one.product_id in mine])
        shelf = shelf.following(changes)
        followed = followed.following(changes, shelf, days(NOW))
    full = catalog.upsert([one for one in catalog.all() if one.product_id not in (*BEANS[1:], "aaa")], at, full=True)
    assert full == len(BEANS)
    gone = replace(catalog.changed_since(0), products=[], revision=shelf.revision + 1)
    shelf = shelf.following(gone)
    followed = followed.following(gone, shelf, days(NOW))
    fresh = Bundle.assembled(start.published, shelf, start.product_features, days(NOW))
    assert followed.model.item_ids.tolist() == sorted({*fresh.model.item_ids.tolist(), "aaa"})
    one, other = answers(followed), answers(fresh)
    for name in DEFAULT:
        assert said(one[name]) == said(other[name]), name
    shown = {item["item_id"] for found in one.values() for _, _, items in found for item in items}
    assert shown <= {*LEAVES, "coffee-1", MILK, "oolong", "zzz"} - {"tea-3", "tea-1"}
    assert "oolong" in shown
    catalog.engine.dispose()


def test_what_is_live_stays_as_it_is(start: Bundle) -> None:
    before, ids = answers(start), start.model.item_ids.copy()
    catalog = Catalog(open_database("sqlite://"))
    catalog.upsert([Product(product_id="between", title="Oolong", category="drinks/tea")], NOW)
    changes = catalog.changed_since(0)
    later = start.following(changes, start.shelf.following(changes), days(NOW))
    assert "between" in later.model.item_ids
    assert answers(start) == before
    assert np.array_equal(start.model.item_ids, ids)
    catalog.engine.dispose()


def test_the_first_import_makes_nothing_new(start: Bundle) -> None:
    catalog = Catalog(open_database("sqlite://"))
    catalog.upsert([Product(product_id="unsold"), Product(product_id=MILK)], NOW - timedelta(days=3))
    catalog.upsert([Product(product_id="straggler")], NOW - timedelta(days=3) + FIRST_IMPORT)
    catalog.upsert([Product(product_id="arrival")], NOW - timedelta(days=1))
    changes = catalog.changed_since(0)
    shelf = Shelf().following(changes)
    assert shelf.opened == NOW - timedelta(days=3)
    fresh = Bundle.assembled(start.published, shelf, start.product_features, days(NOW))
    since = dict(zip(fresh.columns.item_ids, fresh.columns.number("since"), strict=True))
    assert since["arrival"] == days(NOW) - 1
    assert np.isnan([since["unsold"], since["straggler"]]).all()
    assert since[MILK] < days(NOW) - 60, "its first sale is known"
    new = fresh.members["new"].recommend([Query(days(NOW))], 20, fresh.columns.sold).row(0)
    assert [id_ for id_, _, _ in new] == ["arrival", MILK]
    later = [Product(product_id="next")]
    catalog.upsert(later, NOW)
    changes = catalog.changed_since(changes.revision)
    followed = fresh.following(changes, shelf.following(changes), days(NOW))
    assert followed.columns.number("since")[followed.columns.codes(["next"])[0]] == days(NOW)
    catalog.engine.dispose()


def test_many_changes_are_taken_over_at_once(start: Bundle) -> None:
    catalog = Catalog(open_database("sqlite://"))
    catalog.upsert([Product(product_id=f"p{number:05d}") for number in range(MOST_CHANGES + 1)], NOW)
    changes = catalog.changed_since(0)
    later = start.following(changes, start.shelf.following(changes), days(NOW))
    assert len(later.columns.item_ids) == len(start.columns.item_ids) + MOST_CHANGES + 1
    assert later.columns.sold.all()
    catalog.engine.dispose()


def test_what_nobody_says_any_longer_is_forgotten_in_time(start: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.bundle.MOST_FOLLOWED", 5)
    catalog, followed, sizes = Catalog(open_database("sqlite://")), start, list[tuple[int, int]]()
    shelf, revision = start.shelf, 0
    for number in range(20):
        catalog.upsert([Product(product_id="tea-1", title=f"Tea {chr(97 + number) * 3}", category="drinks/tea")], NOW)
        changes = catalog.changed_since(revision)
        revision = changes.revision
        shelf = shelf.following(replace(changes, revision=shelf.revision + 1))
        followed = followed.following(changes, shelf, days(NOW))
        content = followed.members["content"]
        assert isinstance(content, FittedContent)
        sizes.append((len(content.vectors.names), len(followed.columns.texts["title"].levels.values)))
    assert sizes[0] < sizes[4], "a bundle that only follows grows"
    assert max(sizes) == sizes[10] == sizes[16], "made anew after every fifth, it does not grow for ever"
    assert answers(followed) == answers(Bundle.assembled(start.published, shelf, start.product_features, days(NOW)))
    catalog.engine.dispose()


def test_the_first_word_of_a_shop_about_its_catalogue_hides_everything_else(start: Bundle) -> None:
    silent = Bundle.assembled(start.published, Shelf(), start.product_features, days(NOW))
    assert silent.columns.sold.all()
    catalog = Catalog(open_database("sqlite://"))
    catalog.upsert([Product(product_id=MILK, title="Milk")], NOW)
    changes = catalog.changed_since(0)
    later = silent.following(changes, silent.shelf.following(changes), days(NOW))
    assert later.columns.item_ids[later.columns.sold].tolist() == [MILK]
    catalog.engine.dispose()


def test_products_know_their_features_after_a_change(start: Bundle) -> None:
    assert start.product_features is not None
    catalog = Catalog(open_database("sqlite://"))
    catalog.upsert([Product(product_id="tea-1", title="Tea")], NOW)
    changes = catalog.changed_since(0)
    later = start.following(changes, start.shelf.following(changes), days(NOW))
    place = later.columns.codes(["tea-1"])[0]
    for name in ("since", "buyers_30d"):
        assert later.columns.number(name)[place] == start.columns.number(name)[place]
    assert later.buyers("tea-1") == start.product_features.value("tea-1", "buyers_30d")
    catalog.engine.dispose()

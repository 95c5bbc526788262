"""What may be said of products: out of the catalogue, and what they cost when they were put into the cart."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from features.carts import Cart, carts_of
from features.catalog import Product
from features.contact import Contact
from features.events import Line
from features.person import Person
from serving.bundle import Shelf
from serving.decisions.budgets import Spending
from serving.decisions.gathering import FEW, facts_of
from serving.decisions.question import question_of
from serving.decisions.schemas import DecisionRequest
from serving.decisions.situation import Situation, Somebody
from tests.features.person import at, event
from tests.serving.decisions.known import BANK, BERLIN

PUT_IN = Line(product_id="tea", price=Decimal("4.90"))


def _cart() -> Cart:
    (cart,) = carts_of([event("product_added", 0, PUT_IN, currency="EUR")], at(90))
    return cart


def _true(cart: Cart | None, *products: Product, **context: Any) -> set[str]:
    asked: Any = {"decision_point": "cart_recovery", "subject": {"user_id": "u1"}, "trigger": {"id": "c1"}}
    question = question_of(DecisionRequest(**asked, context=context), BANK, at(90), timedelta(0))
    situation = Situation(Somebody(Person("u1", ("u1",), ()), ()), (), Contact(), cart, BERLIN)
    shelf = Shelf(products={product.product_id: product for product in products})
    return set(facts_of(question, situation, "dec_1", BANK, shelf, Spending()).true)


def _tea(**said: Any) -> Product:
    return Product(product_id="tea", **said)


@pytest.mark.parametrize(
    ("product", "true"),
    [
        (_tea(), set()),
        (_tea(stock={"a": FEW}), {"low_stock"}),
        (_tea(stock={"a": FEW, "b": 1.0}), set()),
        (_tea(stock={"a": 0.0}), set()),
        (_tea(price=Decimal("4.89"), currency="EUR"), {"price_drop"}),
        (_tea(price=Decimal("4.90"), currency="EUR"), set()),
        (_tea(price=Decimal("4.89"), currency="USD"), set()),
        (_tea(attributes={"free_returns": "True"}), {"free_returns"}),
        (_tea(attributes={"free_returns": "no"}), set()),
    ],
)
def test_an_argument_is_true_by_the_catalogue(product: Product, true: set[str]) -> None:
    assert _true(_cart(), product) == true


def test_few_are_few_where_they_are_wanted() -> None:
    tea = _tea(stock={"a": FEW, "b": FEW})
    assert _true(_cart(), tea, location_id="a") == {"low_stock"}
    assert _true(_cart(), tea) == set()


def test_free_returns_are_those_of_all_of_it() -> None:
    free, other = _tea(attributes={"free_returns": "yes"}), Product(product_id="milk")
    items = [{"item_id": "tea"}, {"item_id": "milk"}]
    assert _true(None, free, other, items=items) == set()
    assert _true(None, free, other, items=items[:1]) == {"free_returns"}
    assert _true(None) == set()

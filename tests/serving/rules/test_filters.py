import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.masks import KEPT
from serving.rules.syntax import FilterError, parse
from serving.rules.tree import AllOf, AnyOf, Call, Comparison, Flag, Membership, Name, Negated, Truth, Value
from tests.serving.rules.shop import IDS, shop

SHOPS = [shop(seed) for seed in range(21)]
some = st.sampled_from
TEXTS = some(["'X'", "'Y'", "'pets'", "'pets/food'", "'Tea'", "'tea'", "'red'", "'0.5'", "''", "'pets/'"])
NUMBERS = some(["0", "1.5", "3", "0.5", "-1", "1e9"])
TEXT_COLUMNS = some(["title", "category", "brand", "group_id", "attributes.colour", "attributes.margin", "item_id"])
ORDER = some(["<", "<=", ">", ">="])
EQUAL = some(["==", "!="])

leaves = (
    st.builds("{} {} {}".format, TEXT_COLUMNS, EQUAL, TEXTS)
    | st.builds("{1} {2} {0}".format, TEXT_COLUMNS, TEXTS, EQUAL)
    | st.builds("{} {} {}".format, TEXT_COLUMNS.filter(lambda name: name != "category"), ORDER, TEXTS)
    | st.builds("{} {} {}".format, some(["price", "attributes.margin"]), ORDER | EQUAL, NUMBERS)
    | st.builds("{2} {1} {0}".format, some(["price", "attributes.margin"]), ORDER | EQUAL, NUMBERS)
    | st.builds("attributes.margin {} price".format, ORDER | EQUAL)
    | st.builds("{} {} null".format, TEXT_COLUMNS | some(["price", "periodic", "in_stock"]), EQUAL)
    | st.builds("{} {} {}".format, some(["in_stock", "periodic"]), EQUAL, some(["true", "false"]))
    | some(["in_stock", "periodic", "true", "false"])
    | st.builds("{} in [{}]".format, TEXT_COLUMNS, st.lists(TEXTS | some(["null"]), max_size=3).map(", ".join))
    | st.builds("price in [{}]".format, st.lists(NUMBERS | some(["null"]), max_size=3).map(", ".join))
    | st.builds("{}.{}({})".format, TEXT_COLUMNS, some(["startsWith", "endsWith", "contains"]), TEXTS)
)
filters = st.recursive(
    leaves,
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds("!({})".format, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("({} && {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(filters, st.integers(0, 20))
def test_a_mask_is_what_asking_every_product_gives(text, seed):
    assortment, columns = SHOPS[seed]
    found = mask(columns, text)
    tree = parse(text)
    expected = [_passes(tree, _described(id_, assortment.get(id_))) for id_ in IDS]
    assert found.tolist() == expected


@given(filters)
def test_not_equal_is_the_contrary_of_equal_and_not_turns_everything_round(text):
    _, columns = shop(3)
    assert (mask(columns, f"!({text})") == ~mask(columns, text)).all()


@given(st.text(max_size=40))
def test_only_filter_errors(text):
    _, columns = shop(3)
    for wanted in (text, f"price {text}", f"title == {text!r}", f"attributes[{text!r}] == 1"):
        with suppress(FilterError):
            assert mask(columns, wanted).shape == IDS.shape


def test_an_unknown_column_is_told_with_those_there_are():
    _, columns = shop(1)
    with pytest.raises(FilterError) as error:
        mask(columns, "price < 3 && colour == 'red'")
    assert error.value.position == 14
    assert error.value.columns == columns.names()
    assert "attributes.colour" in error.value.columns
    assert "there is no column colour; there are attributes.colour, " in str(error.value)


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("price < 'a'", 9, "price is a number: it has no < 'a'"),
        ("price == true", 10, "price is a number"),
        ("in_stock == 1", 13, "in_stock is true or false"),
        ("in_stock > true", 12, "it has no > true"),
        ("brand == 3", 10, "brand is a text: it has no == 3"),
        ("brand > null", 9, "it has no > null"),
        ("category < 'pets'", 12, "startsWith"),
        ("brand in ['X', 3]", 16, "it has no == 3"),
        ("attributes.colour > 3", 21, "holds no number"),
        ("brand", 1, "brand is a text; compare it"),
        ("price && in_stock", 1, "price is a number; compare it"),
        ("price.startsWith('3')", 1, "startsWith is for texts"),
        ("brand == title", 1, "two columns compare only as numbers"),
        ("price > in_stock", 9, "two columns compare only as numbers"),
        ("3 < 4", 1, "must be a column"),
        ("'X' in ['X']", 1, "must be a column"),
    ],
)
def test_what_cannot_be_compared_is_told_when_it_is_compiled(text, position, told):
    _, columns = shop(1)
    with pytest.raises(FilterError) as error:
        mask(columns, text)
    assert (error.value.position, told in str(error.value)) == (position, True), str(error.value)


def test_a_category_is_what_it_is_and_what_lies_below():
    paths = {"a": "pets", "b": "pets/food", "c": "petshop", "d": None}
    columns = Columns.build(
        np.array(list(paths), object), {id_: Product(product_id=id_, category=path) for id_, path in paths.items()}
    )
    assert mask(columns, "category == 'pets'").tolist() == [True, True, False, False]
    assert mask(columns, "category != 'pets'").tolist() == [False, False, True, True]
    assert mask(columns, "category in ['pets/food', 'petshop']").tolist() == [False, True, True, False]
    assert mask(columns, "category.startsWith('pets')").tolist() == [True, True, True, False]


def test_while_nobody_is_strict_a_missing_column_is_unknown_for_everybody():
    _, columns = shop(1)
    for text in (
        "attributes.scent == 'rose'",
        "attributes.scent > 3",
        "scent",
        "scent.contains('x')",
        "scent in ['x']",
    ):
        assert not mask(columns, text, strict=False).any()
        with pytest.raises(FilterError):
            mask(columns, text)
    assert mask(columns, "attributes.scent == null && attributes.scent != 'rose'", strict=False).all()
    assert not mask(columns, "attributes.colour > 3", strict=False).any()


def test_a_filter_is_worked_out_once_and_nobody_can_spoil_it():
    _, columns = shop(1)
    found = mask(columns, "price < 3")
    assert mask(columns, "price < 3") is found
    with pytest.raises(ValueError, match="read-only"):
        found[0] = True
    for limit in range(KEPT + 50):
        mask(columns, f"price < {limit}")
    assert len(columns.masks) == KEPT
    assert (mask(columns, "price < 3") == found).all()


def _described(id_, product):
    """What a filter may know of one product, by column."""
    if product is None:
        return {"item_id": id_, "in_stock": False, "attributes.colour": None, "attributes.margin": None}
    return {
        "item_id": id_,
        "title": product.title,
        "category": product.category,
        "brand": product.brand,
        "group_id": product.group_id,
        "price": None if product.price is None else float(product.price),
        "in_stock": product.in_stock,
        "periodic": product.periodic,
        **{f"attributes.{name}": product.attributes.get(name) for name in ("colour", "margin")},
    }


def _passes(tree, row):
    match tree:
        case AllOf(parts):
            return all(_passes(part, row) for part in parts)
        case AnyOf(parts):
            return any(_passes(part, row) for part in parts)
        case Negated(part):
            return not _passes(part, row)
        case Truth(value):
            return value
        case Flag(Name(name)):
            return row.get(name) is True
        case Call(Name(name), function, argument):
            value = row.get(name)
            asked = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[function]
            return value is not None and asked(value, argument)
        case Membership(Name(name), values):
            return any(_equal(name, row.get(name), value.value) for value in values)
        case Comparison(Value() as value, sign, Name() as name):
            turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
            return _passes(Comparison(name, turned, value, 0), row)
        case Comparison(Name(name), "!=", right):
            return not _passes(Comparison(Name(name, 0), "==", right, 0), row)
        case Comparison(Name(name), sign, Name(other)):
            return _ordered(_number(row.get(name)), sign, _number(row.get(other)))
        case Comparison(Name(name), "==", Value(value)):
            return _equal(name, row.get(name), value)
        case Comparison(Name(name), sign, Value(value)):
            own = row.get(name)
            return _ordered(_number(own) if isinstance(value, float) else own, sign, value)
    raise AssertionError(tree)


def _equal(name, own, value):
    if value is None or own is None:
        return own is value
    if name == "category":
        return own == value.rstrip("/") or own.startswith(value.rstrip("/") + "/")
    return (_number(own) if isinstance(value, float) else own) == value


def _ordered(own, sign, value):
    if own is None or value is None:
        return False
    return {"==": own == value, "<": own < value, "<=": own <= value, ">": own > value, ">=": own >= value}[sign]


def _number(value):
    try:
        return None if value is None or not math.isfinite(float(value)) else float(value)
    except ValueError:
        return None

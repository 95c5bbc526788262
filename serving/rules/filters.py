"""Filters over the catalogue: a text becomes a mask over all products, worked out once for each `Columns`.

Comparison knows two answers, also where a product lacks the value: with something unknown every comparison is false,
but `!=` is true, as it is `!(... == ...)`; `== null` asks for the unknown itself. A category is a path, and
`category == 'pets'` holds for what is in it or below it (`pets/food`, but not `petshop`); to compare the text alone use
`category.startsWith('pets')`. Attributes are texts; compared with a number they are read as numbers. Texts compare
letter by letter, upper and lower case being different.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from models.arrays import Mask
from serving.rules.columns import Columns
from serving.rules.operands import NUMBER_ORDER, Kind, Operand
from serving.rules.syntax import FilterError, parse
from serving.rules.tree import AllOf, AnyOf, Call, Comparison, Expression, Flag, Membership, Name, Negated, Truth, Value


def mask(columns: Columns, text: str, strict: bool = True) -> Mask:
    """The products that pass the filter `text`, over `columns.item_ids`; shared, so it cannot be written to.

    Raises FilterError. Unless `strict`, a column that the catalogue lacks is unknown for every product: a placement
    must not fail since the last product with some attribute was sold.

    >>> from features.catalog import Product
    >>> tea = Product(product_id="tea", category="grocery/tea")
    >>> columns = Columns.build(np.array(["cake", "tea"], object), {"tea": tea})
    >>> mask(columns, "category == 'grocery'").tolist()
    [False, True]
    """
    tree = parse(text)
    found: Mask = columns.masks.get(
        ("filter", text, strict), lambda: _compiled(tree, partial(_operand, columns, strict), len(columns.item_ids))
    )
    return found


def _compiled(tree: Expression, operand: Callable[[Name], Operand], size: int) -> Mask:
    """The depth of `tree` is bounded by `parse`, and with it the recursion."""
    match tree:
        case AllOf(parts):
            found = np.logical_and.reduce([_compiled(part, operand, size) for part in parts])
        case AnyOf(parts):
            found = np.logical_or.reduce([_compiled(part, operand, size) for part in parts])
        case Negated(part):
            found = ~_compiled(part, operand, size)
        case Truth(value):
            found = np.full(size, value)
        case Flag(name):
            found = operand(name).true()
        case Call(name, function, argument):
            found = operand(name).applied(function, argument)
        case Membership(Name() as name, values):
            found = operand(name).among(values)
        case Membership(left):
            raise FilterError("the left side of `in` must be a column, as in brand in ['X', 'Y']", left.at)
        case Comparison(left, sign, right):
            found = _compared(left, sign, right, operand)
    return np.asarray(found, bool)


def _compared(left: Name | Value, sign: str, right: Name | Value, operand: Callable[[Name], Operand]) -> Mask:
    if sign == "!=":
        return ~_compared(left, "==", right, operand)
    match left, right:
        case Name(), Value():
            return operand(left).compared(sign, right)
        case Value(), Name():
            return _compared(right, _MIRRORED[sign], left, operand)
        case Name(), Name():
            return NUMBER_ORDER[sign](operand(left).numbers(), operand(right).numbers())
    raise FilterError("one side of a comparison must be a column, as in price < 3000", left.at)


def _operand(columns: Columns, strict: bool, name: Name) -> Operand:
    size = len(columns.item_ids)
    flags = {"in_stock": columns.in_stock, "periodic": columns.periodic}
    names = columns.names()
    if name.name in flags:
        return Operand(name, "true or false", size, flag=flags[name.name].astype(np.int8))
    if name.name in columns.numbers:
        return Operand(name, "a number", size, number=columns.numbers[name.name])
    if name.name in names:
        kind: Kind = "an attribute" if name.name in columns.attributes else _KINDS.get(name.name, "a text")
        return Operand(name, kind, size, text=columns.text(name.name), strict=strict)
    if strict:
        raise FilterError(f"there is no column {name.name}; there are {', '.join(names)}", name.at, names)
    return Operand(name, "missing", size)


_KINDS: dict[str, Kind] = {"category": "a path"}
_MIRRORED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

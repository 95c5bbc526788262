"""From the text of a filter to a tree: `grammar` says how it reads, and every error says where it is.

    price < 3000 && in_stock && !(brand in ['X', 'Y']) or attributes.colour == "red"

The tree knows nothing of columns; `filters` compiles it.
"""

import re
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from serving.rules.grammar import GRAMMAR
from serving.rules.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_MEMBERS,
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Expression,
    Flag,
    Membership,
    Name,
    Negated,
    Truth,
    Value,
    conditions,
    place,
)

MAX_LENGTH = 2_000
_TREES = 1_024


class FilterError(ValueError):
    """A filter that cannot be used. `position` counts characters from 1; `columns` are those there are, if it matters.

    Raised for bad text, for unknown columns and for types that cannot be compared; never anything else.
    """

    def __init__(self, message: str, position: int, columns: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.position = position
        self.columns = columns


@lru_cache(maxsize=_TREES)
def parse(text: str) -> Expression:
    """The tree of a filter. Raises FilterError.

    >>> parse("price < 3")
    Comparison(left=Name(name='price', at=1), sign='<', right=Value(value=3.0, at=9), at=7, depth=0)
    >>> parse("price <")
    Traceback (most recent call last):
    serving.rules.syntax.FilterError: expected a column, a text in quotes, a number, true, false or null, found the end
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"a filter has at most {MAX_LENGTH:,} characters, this one {len(text):,}", MAX_LENGTH + 1)
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    found: Expression = tree
    for number, condition in enumerate(conditions(found)):
        if number == MAX_CONDITIONS:
            told = f"a filter has at most {MAX_CONDITIONS} conditions, and here begins one more; try `in`"
            raise FilterError(told, place(condition))
    return found


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Builder())


@v_args(inline=True)
class _Builder(Transformer[Token, Expression]):
    """Builds bottom up while parsing, so that a tree which is too deep never stands."""

    def column(self, name: Token, part: Token | None = None) -> Name:
        at = _at(name)
        if part is None:
            return Name(str(name), at)
        return Name(f"{name}.{_unquoted(part) if part.type == 'STRING' else part}", at)

    def string(self, token: Token) -> Value:
        return Value(_unquoted(token), _at(token))

    def number(self, token: Token) -> Value:
        return Value(float(token), _at(token))

    def truth(self, token: Token) -> Value:
        return Value(token.type == "TRUE", _at(token))

    def null(self, token: Token) -> Value:
        return Value(None, _at(token))

    def comparison(self, left: Name | Value, sign: Token, right: Name | Value) -> Comparison:
        return Comparison(left, str(sign), right, _at(sign))

    def membership(self, left: Name | Value, *values: Value | None) -> Membership:
        members = tuple(value for value in values if value is not None)
        if len(members) > MAX_MEMBERS:
            told = f"a list has at most {MAX_MEMBERS} values, this one {len(members)}; split the request"
            raise FilterError(told, members[MAX_MEMBERS].at)
        return Membership(left, members)

    def call(self, column: Name, function: Token, argument: Value) -> Call:
        return Call(column, str(function), str(argument.value))

    def flag(self, column: Name) -> Flag:
        return Flag(column)

    def alone(self, value: Value) -> Truth:
        return Truth(value.value is True, value.at)

    def negated(self, part: Expression) -> Negated:
        return Negated(part, _deeper(part))

    def all_of(self, *parts: Expression) -> Expression:
        return parts[0] if len(parts) == 1 else AllOf(parts, _deeper(*parts))

    def any_of(self, *parts: Expression) -> Expression:
        return parts[0] if len(parts) == 1 else AnyOf(parts, _deeper(*parts))


_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_WORDS = {
    "NAME": "a column",
    "STRING": "a text in quotes",
    "NUMBER": "a number",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
    "COMPARE": "a comparison (== != < <= > >=)",
    "_IN": "in",
    "FUNCTION": "startsWith, endsWith or contains",
    "_NOT": "!",
    "LPAR": "(",
    "_AND": "&&",
    "_OR": "||",
    "LSQB": "[",
    "COMMA": ",",
    "RSQB": "]",
    "RPAR": ")",
    "DOT": ".",
    "$END": "the end",
}


def _at(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _deeper(*parts: Expression) -> int:
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise FilterError(f"a filter may be nested {MAX_DEPTH} deep; split it or use `in`", 1)
    return depth


def _unquoted(token: Token) -> str:
    for escape in re.finditer(r"\\(.)", token, re.DOTALL):
        if escape[1] not in _ESCAPES:
            at = _at(token) + escape.start()
            raise FilterError(f"there is no escape {escape[0]} in texts; a backslash is written \\\\", at)
    return re.sub(r"\\(.)", lambda escape: _ESCAPES[escape[1]], token[1:-1], flags=re.DOTALL)


def _explained(error: UnexpectedInput, text: str) -> FilterError:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        place, found, wanted = error.token.start_pos or 0, str(error.token), error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        place, found, wanted = error.pos_in_stream or 0, text[error.pos_in_stream or 0], error.allowed
    else:
        place, found, wanted = len(text), "the end", getattr(error, "accepts", None) or set()
    if found in ("'", '"'):
        return FilterError(f"the text that begins here has no closing {found}", place + 1)
    if found == "=":
        return FilterError("expected ==, found =", place + 1)
    *most, last = [word for name, word in _WORDS.items() if name in (wanted or ())] or ["something else"]
    expected = f"{', '.join(most)} or {last}" if most else last
    return FilterError(f"expected {expected}, found {found}", place + 1)

"""What a filter is once it is read: a small tree. `at` counts characters of the text from 1.

`depth` is kept, as whoever walks a tree recurses: `MAX_DEPTH` bounds it, whatever the text. The other two bound what a
filter costs: each condition is asked of all products.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 32
MAX_CONDITIONS = 50
MAX_MEMBERS = 200


@dataclass(frozen=True)
class Name:
    """A column."""

    name: str
    at: int


@dataclass(frozen=True)
class Value:
    """A literal."""

    value: str | float | bool | None
    at: int


@dataclass(frozen=True)
class Comparison:
    """`left sign right`."""

    left: Name | Value
    sign: str
    right: Name | Value
    at: int
    depth: int = field(default=0, init=False)


@dataclass(frozen=True)
class Membership:
    """`left in [values]`."""

    left: Name | Value
    values: tuple[Value, ...]
    depth: int = field(default=0, init=False)


@dataclass(frozen=True)
class Call:
    """`column.function('argument')`, where function is startsWith, endsWith or contains."""

    column: Name
    function: str
    argument: str
    depth: int = field(default=0, init=False)


@dataclass(frozen=True)
class Flag:
    """A column that is true or false, by itself."""

    column: Name
    depth: int = field(default=0, init=False)


@dataclass(frozen=True)
class Truth:
    """`true` or `false`, by itself."""

    value: bool
    at: int
    depth: int = field(default=0, init=False)


@dataclass(frozen=True)
class Negated:
    """`!part`."""

    part: "Expression"
    depth: int


@dataclass(frozen=True)
class AllOf:
    """`part && part && ...`."""

    parts: tuple["Expression", ...]
    depth: int


@dataclass(frozen=True)
class AnyOf:
    """`part || part || ...`."""

    parts: tuple["Expression", ...]
    depth: int


Condition = Comparison | Membership | Call | Flag | Truth
Expression = Condition | Negated | AllOf | AnyOf


def conditions(tree: Expression) -> Iterator[Condition]:
    """What a filter asks, from left to right."""
    match tree:
        case Negated(part):
            yield from conditions(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions(part)
        case _:
            yield tree


def place(condition: Condition) -> int:
    """Where a condition begins."""
    match condition:
        case Comparison(left) | Membership(left):
            return left.at
        case Call(column) | Flag(column):
            return column.at
        case Truth(_, at):
            return at

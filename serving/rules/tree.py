"""What a filter is once it is read: a small tree. `at` counts characters of the text from 1.

`depth` is kept, as whoever walks a tree recurses: `MAX_DEPTH` bounds it, whatever the text.
"""

from dataclasses import dataclass, field

MAX_DEPTH = 32


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


Expression = Comparison | Membership | Call | Flag | Truth | Negated | AllOf | AnyOf

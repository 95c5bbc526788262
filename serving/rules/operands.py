"""A column as it stands in a filter: what it can be compared with, and which products hold."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Mask
from serving.rules.syntax import FilterError
from serving.rules.text import Text
from serving.rules.tree import Name, Value

Kind = Literal["a text", "a path", "an attribute", "a number", "true or false", "missing"]
NUMBER_ORDER: dict[str, Callable[[Floats, Floats | float], Mask]] = {
    "==": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_TEXT_ORDER: dict[str, Callable[[str, str], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


@dataclass(frozen=True, eq=False)
class Operand:
    """A column of `size` products by its `kind`, with its values in `text`, `number` or `flag` (1, 0, -1 unknown).

    A missing column is one that the catalogue lacks while nobody is `strict`: unknown for every product, as are the
    numbers of an attribute that has none. Whatever does not fit is a FilterError at its place in the filter.
    """

    name: Name
    kind: Kind
    size: int
    text: Text | None = None
    number: Floats | None = None
    flag: NDArray[np.int8] | None = None
    strict: bool = True

    def compared(self, sign: str, value: Value) -> Mask:
        """Which products hold `column sign value`; `!=` is left to the caller, who negates."""
        wanted = value.value
        if sign == "==" and (wanted is None or self.kind == "missing"):
            return self.unknown() if wanted is None else self._none()
        if isinstance(wanted, str) and self.text is not None and (sign == "==" or self.kind != "a path"):
            return self._among([wanted]) if sign == "==" else self._ordered(sign, wanted)
        if isinstance(wanted, float) and (numbers := self._numbers()) is not None:
            return NUMBER_ORDER[sign](numbers, wanted)
        if isinstance(wanted, bool) and self.flag is not None and sign == "==":
            return np.equal(self.flag, int(wanted))
        if self.kind == "missing":
            return self._none()
        raise self._misfit(sign, value)

    def among(self, values: Sequence[Value]) -> Mask:
        """Which products have one of `values`."""
        texts = [value.value for value in values if isinstance(value.value, str)]
        if len(texts) == len(values) and self.text is not None:
            return self._among(texts)
        wanted = [value.value for value in values if isinstance(value.value, float)]
        if len(wanted) == len(values) and (numbers := self._numbers()) is not None:
            return np.isin(numbers, wanted)
        masks = [self.compared("==", value) for value in values]
        return np.logical_or.reduce(masks) if masks else self._none()

    def unknown(self) -> Mask:
        """Which products have no value."""
        if self.text is not None:
            return np.equal(self.text.codes, -1)
        if self.number is not None:
            return np.isnan(self.number)
        return ~self._none() if self.flag is None else np.equal(self.flag, -1)

    def true(self) -> Mask:
        """The column by itself as a condition."""
        if self.flag is not None:
            return np.equal(self.flag, 1)
        if self.kind == "missing":
            return self._none()
        message = f"{self.name.name} is {self.kind}; compare it with something, or ask {self.name.name} != null"
        raise FilterError(message, self.name.at)

    def applied(self, function: str, argument: str) -> Mask:
        """Which products' texts fulfil startsWith, endsWith or contains."""
        if self.text is not None:
            test = _FUNCTIONS[function]
            return self.text.holds(lambda own: test(own, argument), unknown=False)
        if self.kind == "missing":
            return self._none()
        raise FilterError(f"{function} is for texts, {self.name.name} is {self.kind}", self.name.at)

    def numbers(self) -> Floats:
        """The values as numbers, to compare two columns."""
        found = np.full(self.size, np.nan) if self.kind == "missing" else self._numbers()
        if found is None:
            message = f"{self.name.name} is {self.kind}; two columns compare only as numbers"
            raise FilterError(message, self.name.at)
        return found

    def _numbers(self) -> Floats | None:
        """None where there is none: an attribute is one of texts until some product has a number there."""
        if self.kind != "an attribute" or self.text is None:
            return self.number
        read = self.text.levels.numbers
        return read[self.text.codes] if np.isfinite(read).any() or not self.strict else None

    def _among(self, wanted: Sequence[str]) -> Mask:
        test = within(wanted) if self.kind == "a path" else frozenset(wanted).__contains__
        return self.text.holds(test, unknown=False) if self.text else self._none()

    def _ordered(self, sign: str, wanted: str) -> Mask:
        test = _TEXT_ORDER[sign]
        return self.text.holds(lambda own: test(own, wanted), unknown=False) if self.text else self._none()

    def _none(self) -> Mask:
        return np.zeros(self.size, bool)

    def _misfit(self, sign: str, value: Value) -> FilterError:
        kind = "an attribute that holds no number" if self.kind == "an attribute" else self.kind
        ways = "; compare it by ==, != or in, or with startsWith('pets/')" if self.kind == "a path" else ""
        return FilterError(f"{self.name.name} is {kind}: it has no {sign} {_shown(value)}{ways}", value.at)


def within(paths: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is one of `paths` or lies below one.

    >>> [within(["pets"])(path) for path in ("pets", "pets/food", "petshop")]
    [True, True, False]
    """
    prefixes = tuple(f"{path.rstrip('/')}/" for path in paths)
    return lambda path: f"{path}/".startswith(prefixes)


def _shown(value: Value) -> str:
    if isinstance(value.value, str):
        return f"'{value.value}'"
    if isinstance(value.value, float):
        return f"{value.value:g}"
    return "null" if value.value is None else str(value.value).lower()

"""The rules of a placement: what may stand there, and how what the model found is arranged. Configuration, no code.

`allow` reads the first half, before the model's best are taken; `arrange` reads the second, after that.
"""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from serving.rules.syntax import FilterError, parse

MinRelevance = Literal["low", "medium", "high"]
Share = Annotated[float, Field(ge=0, le=1)]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Boost:
    """Products that pass `filter` count `factor` times as much: above 1 they rise, below 1 they are buried."""

    filter: str
    factor: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]

    def __post_init__(self) -> None:
        _parses(self.filter)


@dataclass(frozen=True, config=_STRICT)
class Pin:
    """One product, or the best one that passes `filter`, at `position` (1 is the first)."""

    position: Annotated[int, Field(ge=1, le=100)]
    item_id: str | None = None
    filter: str | None = None

    def __post_init__(self) -> None:
        if (self.item_id is None) == (self.filter is None):
            raise ValueError("a pin names either an item_id or a filter")
        if self.filter is not None:
            _parses(self.filter)


@dataclass(frozen=True, config=_STRICT)
class Promoted:
    """Products that pass `filter` take `share` of the answer, never more, and are marked as promoted."""

    filter: str
    share: Share

    def __post_init__(self) -> None:
        _parses(self.filter)


@dataclass(frozen=True, config=_STRICT)
class Rotation:
    """What was shown within `hours` without a click sinks: each time leaves 1 - `rate` of its relevance."""

    rate: Share
    hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0


@dataclass(frozen=True, config=_STRICT)
class Explore:
    """On average `share` of the slots show a product not older than `max_age_days`, drawn with a known probability."""

    share: Share
    max_age_days: Annotated[float, Field(gt=0)] = 30.0


@dataclass(frozen=True, config=_STRICT)
class Rules:
    """The rules of one placement.

    `exclude_purchased` spares what is bought periodically, `exclude_viewed` concerns what was looked at and neither
    added nor bought. `price_band` is the factor by which the customer's own prices are widened (1 is exactly his).
    `caps` name a column and how many products of one value an answer may hold: `brand`, `group_id`, `category`,
    `category.1` for its first level, `attributes.NAME`. `diversity` goes from 0 (the model's order) to 1.

    >>> Rules.of({"caps": {"brand": 2}, "pin": [{"item_id": "tea", "position": 1}]}).caps
    {'brand': 2}
    """

    filter: str | None = None
    in_stock: bool = True
    exclude_purchased: bool = False
    exclude_in_cart: bool = True
    exclude_viewed: bool = False
    exclude_context: bool = True
    price_band: Annotated[float, Field(ge=1, le=1_000)] | None = None

    min_relevance: MinRelevance | None = None
    boost: tuple[Boost, ...] = ()
    rotation: Rotation | None = None
    avoid_rejected: bool = False
    diversity: Share = 0.0
    caps: dict[str, Annotated[int, Field(ge=1)]] = field(default_factory=dict)
    promoted: Promoted | None = None
    pin: tuple[Pin, ...] = ()
    explore: Explore | None = None

    def __post_init__(self) -> None:
        if self.filter is not None:
            _parses(self.filter)
        for column in self.caps:
            if not _may_be_capped(column):
                raise ValueError(f"caps: {column} cannot be capped; cap {', '.join(_CAPPED)} or attributes.NAME")
        positions = [pin.position for pin in self.pin]
        if len(set(positions)) < len(positions):
            raise ValueError("pin: two pins have one position; give each its own")

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Rules":
        """From a table of TOML or JSON. Raises ValueError that names every wrong entry and what it should be.

        Types are taken as they are written, since a rule that was understood in another way shows in no answer:
        `diversity = true` is no 1, and `in_stock = "no"` no condition.
        """
        try:
            return _RULES.validate_json(json.dumps(dict(table), default=str), strict=True)
        except ValidationError as error:
            raise ValueError("; ".join(_told(detail) for detail in error.errors())) from None


_CAPPED = ("brand", "group_id", "category", "category.1", "category.2", "category.3")
_RULES = TypeAdapter(Rules)


def _may_be_capped(column: str) -> bool:
    return column in _CAPPED or (column.startswith("attributes.") and len(column) > len("attributes."))


def _parses(text: str) -> None:
    try:
        parse(text)
    except FilterError as error:
        raise ValueError(f"the filter does not parse at {error.position}: {error}") from None


def _told(detail: Any) -> str:
    at = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "unexpected_keyword_argument":
        message = "there is no such rule"
    return f"{at}: {message}" if at else message

"""What a placement's rules ask of the catalogue that it does not have: told when they are read, not when they serve."""

from collections.abc import Iterator

from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.rules import Rules
from serving.rules.syntax import FilterError


def check(rules: Rules, columns: Columns) -> list[str]:
    """What is wrong, each with the rule and the way out; empty when nothing is."""
    return [*_filters(rules, columns), *_caps(rules, columns)]


def _filters(rules: Rules, columns: Columns) -> Iterator[str]:
    texts = {"filter": rules.filter, "promoted.filter": rules.promoted.filter if rules.promoted else None}
    texts |= {f"boost.{place}.filter": boost.filter for place, boost in enumerate(rules.boost)}
    texts |= {f"pin.{place}.filter": pin.filter for place, pin in enumerate(rules.pin)}
    for name, text in texts.items():
        if text is not None:
            try:
                mask(columns, text)
            except FilterError as error:
                yield f"{name}: at {error.position}: {error}"


def _caps(rules: Rules, columns: Columns) -> Iterator[str]:
    for name in rules.caps:
        if name.startswith("attributes.") and name not in columns.attributes:
            there = ", ".join(columns.attributes) or "none"
            yield f"caps.{name}: no product has this attribute; there are {there}"

"""How much one pack holds, read from what the shop writes about it: "12 OZ", "2x500 ml", "6 PK", "1,5 l", "30 шт".

Stocks last as long as what is in them, and packs of one group differ: amounts make a large pack two small ones.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["g", "ml", "sq_m", "pieces"]


class Contents(NamedTuple):
    """An amount in the base unit of its kind."""

    amount: float
    kind: Kind


_OUNCE, _POUND, _FLUID_OUNCE, _PINT = 28.3495, 453.592, 29.5735, 473.176
_UNITS: dict[str, tuple[float, Kind]] = {
    **dict.fromkeys(("g", "gr", "gm", "gms", "gram", "grams", "г", "гр", "грамм"), (1.0, "g")),
    **dict.fromkeys(("kg", "kgs", "kilo", "кг"), (1000.0, "g")),
    **dict.fromkeys(("oz", "ozs", "z", "ounce", "ounces"), (_OUNCE, "g")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), (_POUND, "g")),
    **dict.fromkeys(("ml", "мл"), (1.0, "ml")),
    **dict.fromkeys(("cl",), (10.0, "ml")),
    **dict.fromkeys(("l", "lt", "ltr", "liter", "liters", "litre", "litres", "л", "литр", "литра"), (1000.0, "ml")),
    **dict.fromkeys(("fl oz", "fl. oz", "fluid ounces"), (_FLUID_OUNCE, "ml")),
    **dict.fromkeys(("pt", "pint", "pints"), (_PINT, "ml")),
    **dict.fromkeys(("qt", "quart", "quarts"), (2 * _PINT, "ml")),
    **dict.fromkeys(("gal", "ga", "gallon", "gallons"), (8 * _PINT, "ml")),
    **dict.fromkeys(("sq ft", "sq. ft"), (0.092903, "sq_m")),
    **dict.fromkeys(
        ("ct", "count", "pc", "pcs", "piece", "pieces", "шт", "штук", "stk", "stück", "pz"), (1.0, "pieces")
    ),
    **dict.fromkeys(("roll", "rolls", "sheet", "sheets", "load", "loads", "ld", "lds", "wash"), (1.0, "pieces")),
    **dict.fromkeys(("tablet", "tablets", "tabs", "capsules", "caps", "капсул", "таблеток"), (1.0, "pieces")),
    **dict.fromkeys(("bags", "pods", "wipes", "stem", "stems", "use", "uses", "пакетиков"), (1.0, "pieces")),
    **dict.fromkeys(("dz", "doz", "dozen"), (12.0, "pieces")),
}
_ALONE = {name: _UNITS[name] for name in ("pt", "qt", "gal", "lb", "dz", "doz", "dozen")}
"""Units that mean one of them when nothing else is written; a bare `l` is rather a size of clothes."""

_TIMES = r"x|х|×|\*"
_SIMPLE = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)"
_NUMBER = rf"(?:\d+\s+\d+/\d+|{_SIMPLE}\s*/\s*{_SIMPLE}|{_SIMPLE})"
_NAMES = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_AMOUNT = re.compile(
    rf"(?<![\d.,-])(?:(?P<times>\d+)\s*(?P<by>{_TIMES}|-)\s*)?(?P<number>{_NUMBER})\s*-?\s*(?P<unit>{_NAMES})(?![^\W\d_])"
)
_PACKS = re.compile(r"(?<![\d.,/-])(?P<number>\d+)\s*-?\s*(?:pk|pck|pack|packs|p)(?![^\W\d_])")
_FRACTIONS = {("1", "2"), ("1", "3"), ("2", "3"), ("1", "4"), ("3", "4"), ("1", "8")}
_LEAST, _MOST, _MOST_PIECES = 0.1, 250_000.0, 5_000.0
"""From a tenth of a gram to a quarter of a ton; what is beyond was misread: an article number, mostly."""
_HEAVY = 15_000.0
"""Whoever reads of more than 15 kg or litres in a bundle (`144 OZ/12 PK`) reads the total as what one pack holds."""


@lru_cache(maxsize=100_000)
def contents_of(text: str) -> Contents | None:
    """What a pack holds by `text`, a size or a whole title; None when it does not say, or says something absurd.

    Several packs in one (`6 PK/12 OZ`, `6/12 OZ`, `6 x 12 oz`) count together. Beside a weight, a count of pieces is
    not a number of packs (`8 CT/16 OZ` weighs 16 ounces). Of a range (`14-18 CT`) it is the middle.

    >>> contents_of("Mineral water 6x1,5 l"), contents_of("10 CT"), contents_of("XL")
    (Contents(amount=9000.0, kind='ml'), Contents(amount=10.0, kind='pieces'), None)
    """
    lower = text.lower().strip()
    if lower in _ALONE:
        return Contents(*_ALONE[lower])
    found = [_contents(match) for match in _AMOUNT.finditer(lower)]
    weighed = next((one for one in found if one.kind != "pieces"), None)
    packs = _PACKS.search(lower)
    count = float(packs["number"]) if packs else 1.0
    if weighed is not None:
        bundle = weighed.amount * count
        return _plausible(Contents(bundle if bundle <= _HEAVY else weighed.amount, weighed.kind))
    if found:
        return _plausible(Contents(found[0].amount * count, "pieces"))
    return _plausible(Contents(count, "pieces")) if packs else None


def _contents(match: re.Match[str]) -> Contents:
    size, kind = _UNITS[match["unit"]]
    number, times = _number(match["number"], size), float(match["times"] or 1)
    if match["by"] == "-" and times < number < 2 * times:
        return Contents((times + number) / 2 * size, kind)
    return Contents(times * number * size, kind)


def _number(text: str, size: float) -> float:
    """The number in `text`; `1/2` is a half, `6/12` six of twelve, `10 3/4` ten and three quarters.

    A comma before three digits parts thousands, as in `1,000 ml`, but not of large units, as in `1,125 l`.
    """
    whole, _, part = text.rpartition(" ") if re.fullmatch(r"\d+\s+\d+/\d+", text) else ("", "", text)
    if "/" in part:
        above, _, below = (piece.strip() for piece in part.partition("/"))
        if whole or (above, below) in _FRACTIONS:
            return float(whole or 0) + (float(above) / float(below) if float(below) else 0.0)
        return _decimal(above, size) * _decimal(below, size)
    return _decimal(part, size)


def _decimal(text: str, size: float) -> float:
    thousands = re.fullmatch(r"[1-9]\d*,\d{3}", text) and size < _OUNCE
    return float(text.replace(",", "" if thousands else "."))


def _plausible(contents: Contents) -> Contents | None:
    most = _MOST_PIECES if contents.kind == "pieces" else _MOST
    return contents if _LEAST <= contents.amount <= most else None

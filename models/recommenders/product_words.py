"""What a product's description says, as weighted words: title, category, brand, attributes and price in one vocabulary.

A word is known by a 64-bit hash of its field and its text, so a vocabulary is an array of numbers, whatever alphabet
the shop writes in, and a shop with a million words has one collision with a chance of 3 in 100 million.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.catalogue import Catalogue

Names = NDArray[np.uint64]
_Word = tuple[str, str, float]
_WORD = re.compile(r"\w+")
_GRAM = 3
_OF_TITLE, _OF_GRAM, _OF_CATEGORY, _OF_PRICE = 1.0, 0.3, 0.5, 0.5


@dataclass(frozen=True)
class Words:
    """One entry a word of a product: the product's `rows`, the `names` of words, their `weights`; each pair once."""

    rows: NDArray[np.int64]
    names: Names
    weights: Floats

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Words":
        """Of all products of `catalogue`, row by row; a column is read once for each different text in it."""
        parts = [_read(column, _SAID.get(field, partial(_attribute, field))) for field, column in _columns(catalogue)]
        rows = np.concatenate([*(part.rows for part in parts), np.empty(0, np.int64)])
        names = np.concatenate([*(part.names for part in parts), np.empty(0, np.uint64)])
        weights = np.concatenate([*(part.weights for part in parts), np.empty(0)])
        order = np.lexsort((-weights, names, rows))
        rows, names, weights = rows[order], names[order], weights[order]
        first = np.append(True, (rows[1:] != rows[:-1]) | (names[1:] != names[:-1]))[: len(rows)]
        return cls(rows[first], names[first], weights[first])

    @classmethod
    def searched(cls, text: str) -> "Words":
        """Of what somebody looks for: a product with one row."""
        return _read(np.array([text], object), _title)


def _columns(catalogue: Catalogue) -> Iterator[tuple[str, Ids]]:
    yield from sorted(catalogue.texts.items())
    if "price" in catalogue.numbers:
        prices = catalogue.numbers["price"]
        known = prices > 0
        steps = np.full(len(prices), None, object)
        # Steps of about 40 %, and each half as wide again: near prices share a word wherever the steps lie.
        steps[known] = [f"{step:.0f}" for step in np.floor(np.log2(prices[known]) * 4)]
        yield "price", steps


def _read(column: Ids, said: Callable[[str], list[_Word]]) -> Words:
    """The words of a column, by what is `said` in one text."""
    places: dict[str, int] = {}
    codes = np.fromiter(
        (places.setdefault(text, len(places)) if text else -1 for text in column), np.int64, len(column)
    )
    named = cache(_name)  # a catalogue says the same few words again and again; they are forgotten with the column
    words = [
        list({named(kind, word): weight for kind, word, weight in reversed(said(text))}.items()) for text in places
    ]
    lengths = np.array([len(found) for found in words], np.int64)
    names = np.array([name for found in words for name, _ in found], np.uint64)
    weights = np.array([weight for found in words for _, weight in found], np.float64)
    rows = np.flatnonzero(codes >= 0)
    kept = codes[rows]
    spans = lengths[kept]
    starts = (np.cumsum(lengths) - lengths)[kept] - (np.cumsum(spans) - spans)
    entries = np.repeat(starts, spans) + np.arange(spans.sum())
    return Words(np.repeat(rows, spans), names[entries], weights[entries])


def _title(text: str) -> list[_Word]:
    """Words, and below them pieces of three letters, which find `чайный` for `чаи` and forgive a typing error."""
    words = _WORD.findall(text.casefold())
    pieces = [piece for word in words if len(word) >= _GRAM for piece in _pieces(f" {word} ")]
    return [("word", word, _OF_TITLE) for word in words] + [("piece", piece, _OF_GRAM) for piece in pieces]


def _category(text: str) -> list[_Word]:
    """Every level with those above it, and the words of all levels, as people search for them."""
    levels = [level.strip() for level in text.casefold().split("/") if level.strip()]
    paths = [("category", "/".join(levels[: depth + 1]), 1.0) for depth in range(len(levels))]
    return paths + [("word", word, _OF_CATEGORY) for level in levels for word in _WORD.findall(level)]


def _brand(text: str) -> list[_Word]:
    named: list[_Word] = [("brand", text.casefold(), 1.0)]
    return named + [("word", word, _OF_CATEGORY) for word in _WORD.findall(text.casefold())]


def _price(step: str) -> list[_Word]:
    return [("price", str(int(step) // 2), _OF_PRICE), ("price between", str((int(step) + 1) // 2), _OF_PRICE)]


def _attribute(field: str, text: str) -> list[_Word]:
    return [(field, text.casefold(), 1.0)]


def _pieces(word: str) -> list[str]:
    return [word[start : start + _GRAM] for start in range(len(word) - _GRAM + 1)]


def _name(kind: str, word: str) -> int:
    return int.from_bytes(blake2b(f"{kind}\x00{word}".encode(), digest_size=8).digest(), "little")


_SAID: dict[str, Callable[[str], list[_Word]]] = {
    "title": _title,
    "category": _category,
    "brand": _brand,
    "price": _price,
}

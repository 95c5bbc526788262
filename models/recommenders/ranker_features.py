"""The columns that a ranker sees for each candidate of a query: sources, own history, category, product, customer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
from models.compiled import compiled
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import CONTEXT, OWN, OwnHistories
from models.recommenders.product_facts import FACTS, ProductFacts
from models.recommenders.timelines import Places

Matrix = NDArray[np.float32]

_LEVELS = ("leaf", "branch")
_OF_CATEGORY = ("faded", "trip_share", "since", "products", "own_share", "share")
_OF_KIND = 4
"""So many of those are the same for all products of a category; then come the product's own."""

_LITTLE = 1e-6
_REPEAT_INTERVAL = FACTS.index("repeat_interval")
_SINCE, _TRIPS = OWN.index("own_since"), OWN.index("own_trips")


def names(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns, in order."""
    return (
        *(f"{source}_{kind}" for source in sources for kind in ("score", "relative")),
        *OWN,
        "own_due_usually",
        *(f"{level}_{kind}" for level in _LEVELS for kind in _OF_CATEGORY),
        *FACTS,
        *CONTEXT,
    )


@dataclass(frozen=True)
class Block:
    """Some `columns`, by their places in `names`, which tell several candidates the same.

    `values` (columns, kinds) are those of each kind of candidate, and `kinds` the kind of each; None where each
    candidate is one of its own.
    """

    columns: tuple[int, ...]
    values: Matrix
    kinds: Places | None


@dataclass(frozen=True)
class Columns:
    """Those over so many `sources`; nothing depends on which other candidates or queries there are, so what is allowed
    changes no score."""

    facts: ProductFacts
    sources: int

    def matrix(self, candidates: Candidates, histories: OwnHistories) -> Matrix:
        """One row a candidate, (candidates, columns), stored column by column; `histories` are those of its queries."""
        found = np.empty((len(names(("",) * self.sources)), len(candidates.codes)), np.float32)
        for block in self.blocks(candidates, histories):
            found[list(block.columns)] = block.values if block.kinds is None else block.values.take(block.kinds, axis=1)
        return found.T

    def blocks(self, candidates: Candidates, histories: OwnHistories) -> list[Block]:
        """The same by parts, that of the products first."""
        touched, own, kinds = histories.rows(candidates.owners * histories.width + candidates.codes)
        usual = self.facts.own[candidates.codes[touched], _REPEAT_INTERVAL]
        due = _due(own[_SINCE], usual)
        own_trips = own[_TRIPS][kinds]
        said = zip(candidates.scores, candidates.highest, strict=True)
        of_sources, of_own, of_context, *of_categories, of_shares = self._places
        blocks = [
            Block(self.of_products, self.products, candidates.codes),
            Block(of_sources, _coarse(*(_of_source(*each, candidates.owners) for each in said)), None),
            Block(of_own, _coarse(own, due[None]), kinds),
            Block(of_context, _coarse(histories.context.T), candidates.owners),
        ]
        shares = np.empty((len(_LEVELS), len(own_trips)))
        for level, columns in enumerate(of_categories):
            found, places = _of_category(self.facts.categories[level], self._widths[level], candidates, histories)
            blocks.append(Block(columns, _coarse(found[:_OF_KIND]), places))
            shares[level] = own_trips / np.maximum(found[_OF_KIND], 1)[places]
        return [*blocks, Block(of_shares, _coarse(shares), None)]

    @cached_property
    def _places(self) -> tuple[tuple[int, ...], ...]:
        """Columns of the sources, of a customer's own, of the customer, of each level's kinds, and of the shares."""
        start, context = 2 * self.sources, self._facts + len(FACTS)
        levels = [self._categories + level * len(_OF_CATEGORY) for level in range(len(_LEVELS))]
        return (
            tuple(range(start)),
            tuple(range(start, start + len(OWN) + 1)),
            tuple(range(context, context + len(CONTEXT))),
            *(tuple(range(first, first + _OF_KIND)) for first in levels),
            tuple(first + _OF_KIND for first in levels),
        )

    @cached_property
    def _widths(self) -> tuple[int, ...]:
        """More than any category's code, and one for what has none, by level."""
        return tuple(int(codes.max(initial=-1)) + 2 for codes in self.facts.categories)

    @cached_property
    def products(self) -> Matrix:
        """What is known of each product before anybody asks, (columns, items)."""
        said = self.facts.own.T
        share = np.where(self.facts.categories < 0, np.float32(np.nan), self.facts.share)
        return _coarse(share, np.where(np.isneginf(said), np.float32(np.nan), said))

    @cached_property
    def of_products(self) -> tuple[int, ...]:
        """The columns of `products`."""
        levels = (self._categories + (level + 1) * len(_OF_CATEGORY) - 1 for level in range(len(_LEVELS)))
        return (*levels, *range(self._facts, self._facts + len(FACTS)))

    @property
    def _categories(self) -> int:
        return 2 * self.sources + len(OWN) + 1

    @property
    def _facts(self) -> int:
        return self._categories + len(_LEVELS) * len(_OF_CATEGORY)


@compiled
def _due(since: Floats, usual: Matrix) -> Floats:
    """Days since over the days (as logarithms, -inf where not known) after which others come again; of nothing NaN."""
    found = np.full(len(since), np.nan)
    for place in range(len(usual)):
        if usual[place] > -np.inf:
            found[place] = since[place] / np.exp(usual[place])
    return found


@compiled
def _of_source(scores: Floats, highest: Floats, owners: Places) -> Floats:
    found = np.full((2, len(scores)), np.nan)
    for place in range(len(scores)):
        if scores[place] > 0:
            found[0, place] = np.log(scores[place] + _LITTLE)
            found[1, place] = scores[place] / max(highest[owners[place]], _LITTLE)
    return found


def _of_category(codes: Codes, wide: int, candidates: Candidates, histories: OwnHistories) -> tuple[Floats, Places]:
    """What customers did in categories, (5, kinds), and the kind of each candidate: faded visits, share of the trips,
    days since, products, visits. The last kind but one is that of nothing done, the last a category not known, NaN."""
    bits = len(histories.days).bit_length()
    # One number a visit: customer and category, trip, whether it is the first of its product; equal ones tell the same.
    visits = codes.take(histories.visited) + histories.visitors * wide
    visits = np.sort(((visits << bits | histories.visit_trips) << 1) | histories.firsts)
    kinds, found = _by_category(visits, bits, histories.bounds, histories.travellers, histories.ages)
    return found, _kinds(kinds, codes, candidates.codes, candidates.owners, wide)


@compiled
def _by_category(visits: Places, bits: int, bounds: Places, travellers: Places, ages: Floats) -> tuple[Places, Floats]:
    """The distinct customers and categories of sorted `visits`, as numbers that rise, and what was done in each."""
    kinds, found = np.empty(len(visits), np.int64), np.zeros((5, len(visits) + 2))
    kind, before = -1, np.int64(-1)
    for place in range(len(visits)):
        trip = (visits[place] >> 1) & ((1 << bits) - 1)
        if not place or visits[place] >> (bits + 1) != kinds[kind]:
            kind += 1
            kinds[kind] = visits[place] >> (bits + 1)
        found[0, kind] += np.exp2(-ages[trip] / 60)
        found[1, kind] += not place or visits[place] >> 1 != before
        found[2, kind] = ages[trip]
        found[3, kind] += visits[place] & 1
        found[4, kind] += 1
        before = visits[place] >> 1
        owner = travellers[trip]
        if place + 1 == len(visits) or visits[place + 1] >> (bits + 1) != kinds[kind]:
            found[1, kind] /= bounds[owner + 1] - bounds[owner]
    found[2, kind + 1] = np.nan
    found[:, kind + 2] = np.nan
    return kinds[: kind + 1], found[:, : kind + 3]


@compiled
def _kinds(kinds: Places, codes: Codes, products: Places, owners: Places, wide: int) -> Places:
    """The place of each product's customer and category in `kinds`; behind their end of what they do not hold, and
    behind that of a category that is not known."""
    found = np.empty(len(products), np.int64)
    for place in range(len(products)):
        category = codes[products[place]]
        wanted = owners[place] * wide + category
        kind = np.searchsorted(kinds, wanted)
        held = kind < len(kinds) and kinds[kind] == wanted
        found[place] = len(kinds) + 1 if category < 0 else kind if held else len(kinds)
    return found


def _coarse(*parts: NDArray[np.floating[Any]]) -> Matrix:
    """`parts`, one below the other, to 12 bits of mantissa, so that the last digits of a sum, which depend on its
    order, decide no split."""
    values = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32)
    np.concatenate(parts, out=values, casting="same_kind")  # row by row, so that one loop is compiled and not two
    _round(values.view(np.uint32))
    return values


@compiled
def _round(bits: NDArray[np.uint32]) -> None:
    """Floats, as the bits they are of, in place; what is not finite, whose exponent is all ones, stays."""
    for row in range(bits.shape[0]):
        for column in range(bits.shape[1]):
            if bits[row, column] & np.uint32(0x7F800000) != np.uint32(0x7F800000):
                bits[row, column] = (bits[row, column] + np.uint32(0x800)) & np.uint32(0xFFFFF000)

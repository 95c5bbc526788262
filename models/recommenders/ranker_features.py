"""The columns that a ranker sees for each candidate of a query: sources, own history, category, product, customer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Codes, Floats
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
        start = 2 * self.sources
        touched, own, kinds = histories.rows(candidates.owners * histories.width + candidates.codes)
        usual = self.facts.own[candidates.codes[touched], FACTS.index("repeat_interval")]
        due = own[OWN.index("own_since")].copy()
        due[: len(touched)] /= np.exp(np.where(np.isneginf(usual), np.float32(np.nan), usual))
        own_trips = own[OWN.index("own_trips")][kinds]
        said = zip(candidates.scores, candidates.highest, strict=True)
        blocks = [
            Block(self.of_products, self.products, candidates.codes),
            Block(
                tuple(range(start)),
                _coarse(*(_of_source(*each, candidates.owners) for each in said)),
                None,
            ),
            Block(tuple(range(start, start + len(OWN) + 1)), _coarse(own, due[None]), kinds),
            Block(
                tuple(range(self._facts + len(FACTS), self._facts + len(FACTS) + len(CONTEXT))),
                _coarse(histories.context.T),
                candidates.owners,
            ),
        ]
        shares = []
        for level, codes in enumerate(self.facts.categories):
            found, places = _of_category(codes, candidates, histories)
            first = self._categories + level * len(_OF_CATEGORY)
            blocks.append(Block(tuple(range(first, first + _OF_KIND)), _coarse(found[:_OF_KIND]), places))
            shares.append(own_trips / np.maximum(found[_OF_KIND], 1)[places])
        columns = tuple(self._categories + level * len(_OF_CATEGORY) + _OF_KIND for level in range(len(_LEVELS)))
        return [*blocks, Block(columns, _coarse(np.stack(shares)), None)]

    @cached_property
    def products(self) -> Matrix:
        """What is known of each product before anybody asks, (columns, items)."""
        said = self.facts.own.T
        share = np.where(self.facts.categories < 0, np.float32(np.nan), self.facts.share)
        return _coarse(share, np.where(np.isneginf(said), np.float32(np.nan), said))

    @property
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


def _of_source(scores: Floats, highest: Floats, owners: Places) -> Floats:
    wanted = np.where(scores > 0, scores, np.nan)
    return np.stack([np.log(wanted + _LITTLE), wanted / np.maximum(highest, _LITTLE)[owners]])


def _of_category(codes: Codes, candidates: Candidates, histories: OwnHistories) -> tuple[Floats, Places]:
    """What customers did in categories, (5, kinds), and the kind of each candidate: faded visits, share of the trips,
    days since, products, visits. The last kind but one is that of nothing done, the last a category not known, NaN."""
    wide = int(codes.max(initial=-1)) + 2
    kinds, found = _by_category(codes.take(histories.visited) + histories.visitors * wide, histories)
    category = codes[candidates.codes]
    wanted = candidates.owners * wide + category
    places = np.minimum(np.searchsorted(kinds, wanted), len(kinds) - 1)
    places[kinds[places] != wanted] = len(kinds)
    places[category < 0] = len(kinds) + 1
    return found, places


def _by_category(of_visit: Places, histories: OwnHistories) -> tuple[Places, Floats]:
    """The distinct values of `of_visit`, a number for customer and category, rising, and what was done in each."""
    bits = len(histories.days).bit_length()
    # One number a visit, as numbers are sorted ten times as fast as their places; equal ones tell the same.
    visits = np.sort(((of_visit << bits | histories.visit_trips) << 1) | histories.firsts)
    trips = (visits >> 1) & ((1 << bits) - 1)
    new_trip, new_kind = np.ones((2, len(visits)), bool)
    np.not_equal(visits[1:] >> 1, visits[:-1] >> 1, out=new_trip[1:])
    kinds = visits >> (bits + 1)
    np.not_equal(kinds[1:], kinds[:-1], out=new_kind[1:])
    starts = np.flatnonzero(new_kind)
    kinds = kinds[starts]
    ends = np.append(starts[1:], len(visits))
    found = np.zeros((5, len(starts) + 2))
    found[0, :-2] = np.add.reduceat(np.exp2(-histories.ages / 60)[trips], starts)
    found[1, :-2] = np.add.reduceat(new_trip, starts, dtype=np.int64)
    found[1, :-2] /= np.diff(histories.bounds)[histories.travellers[trips[starts]]]
    found[2, :-2] = histories.ages[trips[ends - 1]]
    found[3, :-2] = np.add.reduceat(visits & 1, starts)
    found[4, :-2] = ends - starts
    found[2, -2], found[:, -1] = np.nan, np.nan
    return kinds, found


def _coarse(*parts: NDArray[np.floating[Any]]) -> Matrix:
    """`parts`, one below the other, to 12 bits of mantissa, so that the last digits of a sum, which depend on its
    order, decide no split."""
    values = np.concatenate(parts, dtype=np.float32, casting="same_kind")
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x800)) & np.uint32(0xFFFFF000)
    return np.where(np.isfinite(values), rounded, bits).view(np.float32)

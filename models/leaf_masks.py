"""Trees asked by masks: which of its leaves a row can still reach, by each of its columns alone, and then by all.

Lucchese, Nardini, Orlando, Perego, Tonellotto and Venturini, "QuickScorer: a fast algorithm to rank documents with
additive ensembles of regression trees" (SIGIR 2015). A mask is a bit a leaf, leftmost first; a row ends in the first
leaf that no column rules out. What a column rules out can be worked out before anybody asks, and columns that many rows
share, those of a product or of a customer, are combined once for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.compiled import compiled

Masks = NDArray[np.uint32]
Values = NDArray[np.float32]

_LEAVES = 32
_DE_BRUIJN = np.uint32(0x077CB531)
"""Times a power of two, its five highest bits differ for each of the 32; `_PLACES` says for which bit they stand."""
_PLACES = np.empty(_LEAVES, np.int64)
_PLACES[(int(_DE_BRUIJN) << np.arange(_LEAVES) & 0xFFFFFFFF) >> 27] = np.arange(_LEAVES)
_ALL = np.uint32(0xFFFFFFFF)
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, 2
"""Bits of LightGBM's `decision_type`: the third and fourth say what counts as missing (0 nothing, 1 zero, 2 NaN)."""


@dataclass(frozen=True)
class LeafMasks:
    """`thresholds[c]` rise, and row p of `masks[c]` (thresholds + 2, trees) holds the leaves that stay when p of them
    lie below the value of column c; its last row is for NaN. There are no rows for a column that no tree looks at.

    `leaves` (trees * 32,) are what the leaves add to the score.
    """

    thresholds: tuple[Values, ...]
    masks: tuple[Masks, ...]
    leaves: Floats
    trees: int

    @classmethod
    def of(cls, text: str) -> "LeafMasks | None":
        """Of a model as LightGBM writes it; None where it holds what masks cannot say: more than 32 leaves in a tree,
        categories as sets, zeros as missing, linear leaves, several scores a row."""
        head, *blocks = text.split("\nTree=")
        names = _fields(head)
        trees = [_fields(block) for block in blocks]
        if names["num_tree_per_iteration"] != "1" or "average_output" in head or not all(map(_can_be_masked, trees)):
            return None
        columns = int(names["max_feature_idx"]) + 1
        splits: list[list[tuple[float, bool, int, int]]] = [[] for _ in range(columns)]
        leaves = np.zeros((len(trees), _LEAVES))
        for place, tree in enumerate(trees):
            values = np.array(tree["leaf_value"].split(), np.float64)
            order: list[int] = []
            for node, left in _in_order(tree, order):
                column, threshold, missing_right = node
                splits[column].append((threshold, missing_right, place, left))
            leaves[place, : len(values)] = values[order]
        thresholds = [np.unique(_rounded_down([threshold for threshold, *_ in found])) for found in splits]
        masks = [_table(*each, len(trees)) for each in zip(splits, thresholds, strict=True)]
        return cls(tuple(thresholds), tuple(masks), leaves.ravel(), len(trees))

    def nothing(self, count: int) -> Masks:
        """What `count` rows can reach of which nothing is known yet: all leaves."""
        return np.full((count, self.trees), _ALL)

    def left(self, values: Values, columns: Sequence[int]) -> Masks:
        """The leaves that rows can still reach by some of their columns, (rows, trees); `values` (columns, rows)."""
        return _left(values, np.array(columns, np.int64), *self._together)

    @cached_property
    def _together(self) -> tuple[Values, NDArray[np.int64], Masks, NDArray[np.int64]]:
        """Thresholds and masks of all columns, one below the other, and where those of each column begin."""
        starts = [np.append(0, np.cumsum([len(each) for each in found])) for found in (self.thresholds, self.masks)]
        return np.concatenate(self.thresholds), starts[0], np.concatenate(self.masks), starts[1]

    def scores(self, left: Masks) -> Floats:
        """What the leaves that rows (rows, trees) end in add up to, (rows,)."""
        return _sums(left, self.leaves)


@compiled
def _left(
    values: Values,
    columns: NDArray[np.int64],
    thresholds: Values,
    starts: NDArray[np.int64],
    masks: Masks,
    tables: NDArray[np.int64],
) -> Masks:
    found = np.full((values.shape[1], masks.shape[1]), _ALL)
    for row in range(len(found)):
        for place in range(len(columns)):
            column, value = columns[place], values[place, row]
            begin, end = tables[column], tables[column + 1]
            if begin < end:
                own = thresholds[starts[column] : starts[column + 1]]
                stays = masks[end - 1 if np.isnan(value) else begin + np.searchsorted(own, value)]
                for tree in range(len(stays)):
                    found[row, tree] &= stays[tree]
    return found


@compiled
def _sums(left: Masks, leaves: Floats) -> Floats:
    """Tree by tree, as LightGBM adds, to the same last digit."""
    found = np.empty(len(left))
    for row in range(len(left)):
        total = 0.0
        for tree in range(left.shape[1]):
            mask = left[row, tree]
            lowest = np.uint32(mask & (~mask + np.uint32(1)))
            total += leaves[tree * _LEAVES + _PLACES[np.uint32(lowest * _DE_BRUIJN) >> np.uint32(27)]]
        found[row] = total
    return found


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines())
    return {name: value for name, _, value in pairs}


def _can_be_masked(tree: dict[str, str]) -> bool:
    kinds = np.array(tree.get("decision_type", "").split(), np.int64)
    plain = not (kinds & _CATEGORICAL).any() and not (kinds >> _MISSING == 1).any()
    return plain and int(tree["num_leaves"]) <= _LEAVES and tree.get("is_linear", "0") == "0"


def _in_order(tree: dict[str, str], order: list[int]) -> Iterator[tuple[tuple[int, float, bool], int]]:
    """Each split (column, threshold, whether NaN goes right) with the mask of the leaves left of it; `order` gets the
    leaves from left to right."""
    if int(tree["num_leaves"]) == 1:
        order.append(0)
        return
    columns, kinds, lefts, rights = (
        [int(word) for word in tree[name].split()]
        for name in ("split_feature", "decision_type", "left_child", "right_child")
    )
    thresholds = [float(word) for word in tree["threshold"].split()]
    open_: list[tuple[int, int | None]] = [(0, None)]
    while open_:
        node, begun = open_.pop()
        if node < 0:
            order.append(~node)
        elif begun is None:
            open_ += [(rights[node], None), (node, len(order)), (lefts[node], None)]
        else:
            missing_right = not kinds[node] & _DEFAULT_LEFT if kinds[node] >> _MISSING else thresholds[node] < 0
            yield (columns[node], thresholds[node], missing_right), (1 << len(order)) - (1 << begun)


def _rounded_down(thresholds: Sequence[float]) -> Values:
    """The highest float32 not above each: the same float32 values lie below."""
    exact = np.array(thresholds, np.float64)
    with np.errstate(over="ignore"):
        near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def _table(splits: list[tuple[float, bool, int, int]], thresholds: Values, trees: int) -> Masks:
    """Row p holds what stays when p thresholds lie below; the last row what stays of NaN."""
    if not splits:
        return np.empty((0, trees), np.uint32)
    table = np.full((len(thresholds) + 2, trees), _ALL)
    places = np.searchsorted(thresholds, _rounded_down([threshold for threshold, *_ in splits]))
    for place, (_, missing_right, tree, left) in zip(places, splits, strict=True):
        stays = ~np.uint32(left)
        table[place + 1, tree] &= stays
        if missing_right:
            table[-1, tree] &= stays
    np.bitwise_and.accumulate(table[:-1], axis=0, out=table[:-1])
    return table

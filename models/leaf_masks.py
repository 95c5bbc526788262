"""Trees asked by masks: which of its leaves a row can still reach, by each of its columns alone, and then by all.

Lucchese, Nardini, Orlando, Perego, Tonellotto and Venturini, "QuickScorer: a fast algorithm to rank documents with
additive ensembles of regression trees" (SIGIR 2015). A mask is a bit a leaf, leftmost first; a row ends in the first
leaf that no column rules out. What a column rules out can be worked out before anybody asks, and columns that many rows
share, those of a product or of a customer, are combined once for all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

Masks = NDArray[np.uint32]
Values = NDArray[np.float32]

_LEAVES = 32
_WIDE = 1_024
_ROWS = 128
"""Rows at a time, whose masks stay in the cache."""
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
        found = self.nothing(values.shape[1])
        looked_at = [row for row, column in enumerate(columns) if len(self.masks[column])]
        for start in range(0, len(found), _WIDE):
            part, some = found[start : start + _WIDE], values[:, start : start + _WIDE]
            one, unknown = np.empty_like(part), np.isnan(some)
            for row in looked_at:
                table, thresholds = self.masks[columns[row]], self.thresholds[columns[row]]
                places = np.searchsorted(thresholds, some[row])
                places += unknown[row]
                np.take(table, places, axis=0, out=one, mode="clip")
                part &= one
        return found

    def scores(self, left: Masks) -> Floats:
        """What the leaves that rows (rows, trees) end in add up to, (rows,)."""
        found = np.empty(len(left))
        for start in range(0, len(left), _ROWS):
            some = left[start : start + _ROWS]
            # The exponent of a power of two is the place of its bit.
            exponents = (some & np.negative(some)).astype(np.float32).view(np.uint32) >> np.uint32(23)
            places = exponents.T.astype(np.int64)
            places += (np.arange(self.trees) * _LEAVES - 127)[:, None]
            values = self.leaves.take(places)
            # Tree by tree, as LightGBM adds, to the same last digit: a sum over one row alone has another order.
            sums = np.add.reduce(values, axis=0) if len(some) > 1 else np.add.accumulate(values, axis=0)[-1]
            found[start : start + _ROWS] = sums
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

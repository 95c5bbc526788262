"""Inverse-gap weighting down a tree: first whether to write at all, then with what, when and where.

Messages that differ from each other in one detail are many. Weighed side by side each takes its share of the trying, so
that two dozen bad ones leave little to silence where that is the best, and a bad delay is tried once a channel and once
an argument. Down a tree a decision tries one of two, then one of a few, and what is bad as a whole is tried as one
thing. After Sen, Rakhlin, Ying, Kidambi, Foster, Hill and Dhillon, "Top-k eXtreme contextual bandits with arm
hierarchy" (ICML 2021).
"""

import numpy as np

from models.arrays import Floats
from models.compiled import compiled
from models.policies.eligible import FACTORS, Eligible, Starts
from models.policies.gap_weighting import weighted_among

LEVELS = (
    ("argument", "incentive"),
    ("delay",),
    ("hour", "weekday"),
    ("channel",),
)
"""The factors in which the branches of each level differ, below that of silence and messages."""


def branched(values: Floats, eligible: Eligible, sharpness: Floats | float) -> Floats:
    """The probability of each row, where at each node a branch is weighed by the best row that is in it.

    `values` (rows) and `sharpness` are as `gap_weighting.gap_weighted` takes them.

    >>> mail, push = ({"channel": "email"}, {}), ({"channel": "push"}, {})
    >>> choices = Eligible.of([[({}, {}), mail, push]])
    >>> branched(np.array([0.0, -1.0, -1.0]), choices, sharpness=8.0).tolist()
    [0.9, 0.05, 0.05]
    """
    shares = np.ones(len(values))
    sharp = np.array(np.broadcast_to(np.asarray(sharpness, np.float64), values.shape))
    node: Starts = eligible.decisions
    for code, kinds in _codes(eligible):
        cells = node * kinds + code
        branch, of, best, sharpest = _branches(np.argsort(cells, kind="stable"), cells, node, values, sharp)
        shares *= weighted_among(best, of, sharpest)[branch]
        node = branch
    return shares


@compiled
def _branches(
    order: Starts, cells: Starts, nodes: Starts, values: Floats, sharpness: Floats
) -> tuple[Starts, Starts, Floats, Floats]:
    """Rows of one of `cells`, which `order` sorts, are a branch. The branch of each row; of each branch its node, its
    best value, and the sharpness of its first row."""
    found, of = np.empty(len(cells), np.int64), np.empty(len(cells), np.int64)
    best, sharpest = np.empty(len(cells)), np.empty(len(cells))
    branch = -1
    for place in range(len(order)):
        row = order[place]
        if not place or cells[row] != cells[order[place - 1]]:
            branch += 1
            of[branch], best[branch], sharpest[branch] = nodes[row], values[row], sharpness[row]
        best[branch] = max(best[branch], values[row])
        found[row] = branch
    return found, of[: branch + 1], best[: branch + 1], sharpest[: branch + 1]


def _codes(eligible: Eligible) -> list[tuple[Starts, int]]:
    """Of each level: a number for the branch of each row, and above how many such numbers there are none. The last
    level has the rows themselves, as some may differ in nothing but their numbers."""
    found = [(eligible.silent.astype(np.int64), 2)]
    for level in LEVELS:
        code, kinds = np.zeros(len(eligible.codes), np.int64), 1
        for factor in map(FACTORS.index, level):
            more = len(eligible.labels[factor]) + 1
            code, kinds = code * more + eligible.codes[:, factor] + 1, kinds * more
        found.append((code, kinds))
    rows = np.arange(len(eligible.codes)) - eligible.starts[:-1][eligible.decisions]
    return [*found, (rows, int(eligible.counts.max()))]

"""How much each voice of a mixture is worth: learned from moments where it is known what was taken.

First the shares under which what was taken is most probable, as the weights of mixed language models are found (Jelinek
and Mercer, "Interpolated estimation of Markov source parameters", 1980); then, since people see a list and no
probabilities, a correction of each voice by what it does for the first twenty places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

_ROUNDS = 60
_SWEEPS = 3
_STEPS = (0.0, 0.5, 0.7, 0.85, 1.2, 1.5, 2.0)
_PLACES = 20
_LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Moments:
    """Moment m has `votes[starts[m]:starts[m + 1]]` (products, voices); row `taken[m]` is the product that was taken.

    `situations` tells the kind of each moment, a number from 0 on.
    """

    votes: Floats
    starts: NDArray[np.int64]
    taken: NDArray[np.int64]
    situations: NDArray[np.int64]

    @classmethod
    def of(cls, votes: Sequence[Floats], taken: Sequence[int], situations: Sequence[int], voices: int) -> "Moments":
        """One entry a moment; `taken` is a row of its votes."""
        starts = np.concatenate([[0], np.cumsum([len(rows) for rows in votes])]).astype(np.int64)
        found = np.concatenate([np.empty((0, voices)), *votes])
        return cls(found, starts, starts[:-1] + np.array(taken, np.int64), np.array(situations, np.int64))


def shares(moments: Moments, situations: int, prior: float) -> Floats:
    """The share of each voice in each situation (situations, voices); rows sum to 1.

    Those of a situation are pulled to those of all situations with the weight of `prior` moments.
    """
    probable = _probable(moments, situations, prior)
    corrected = probable * _corrections(moments, probable)
    return np.asarray(corrected / corrected.sum(axis=1, keepdims=True), np.float64)


def _probable(moments: Moments, situations: int, prior: float) -> Floats:
    """Expectation and maximisation, over all moments and then for each situation."""
    odds, kinds = moments.votes[moments.taken], moments.situations
    voices = odds.shape[1]
    overall = np.full(voices, 1 / voices)
    for _ in range(_ROUNDS):
        earned = odds * overall
        earned /= earned.sum(axis=1, keepdims=True)
        overall = (earned.sum(axis=0) + 1 / voices) / (len(odds) + 1)
    found = np.tile(overall, (situations, 1))
    for _ in range(_ROUNDS):
        earned = odds * found[kinds]
        earned /= earned.sum(axis=1, keepdims=True)
        sums = np.stack([np.bincount(kinds, column, situations) for column in earned.T], axis=1)
        found = (sums + prior * overall) / (sums.sum(axis=1, keepdims=True) + prior)
    return found


def _corrections(moments: Moments, probable: Floats) -> Floats:
    """A factor for each voice (voices,), found one voice at a time: the product of MRR@20 and HR@20 decides.

    A step must win a thousandth, as smaller gains are luck of the moments that are at hand.
    """
    lengths = np.diff(moments.starts)
    given = moments.votes * probable[np.repeat(moments.situations, lengths)]
    factors = np.ones(given.shape[1])
    if not len(lengths):
        return factors
    totals = given.sum(axis=1)
    reached = _worth(moments, totals, lengths)
    for _ in range(_SWEEPS):
        before = reached
        for voice in range(len(factors)):
            for step in _STEPS:
                tried = totals + given[:, voice] * factors[voice] * (step - 1)
                worth = _worth(moments, tried, lengths)
                if worth > reached * (1 + _LEAST_GAIN) and tried.any():
                    totals, reached, factors[voice] = tried, worth, factors[voice] * step
        if reached == before:
            break
    return factors


def _worth(moments: Moments, totals: Floats, lengths: NDArray[np.int64]) -> float:
    better = totals > np.repeat(totals[moments.taken], lengths)
    places = np.add.reduceat(better, moments.starts[:-1], dtype=np.int64)
    hits = places < _PLACES
    return float(np.sum(hits / (1.0 + places)) * hits.sum())

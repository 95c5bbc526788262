"""Hazards set right by what was bought lately: how much too high all of them were, and how much too far apart.

Logarithms of hazards move on a line, as in Cox, "Two further applications of a model for binary regression"
(Biometrika, 1958), fitted as Poisson events over exposure. A higher hazard stays the higher one.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Mask

_STEPS = 20
_STEEP = (0.5, 1.5)
"""Beyond these the window was odd, not the model."""


@dataclass(frozen=True)
class Recalibration:
    """A hazard h becomes `centre` exp(`shift`) (h / `centre`) ** `slope`."""

    shift: float = 0.0
    slope: float = 1.0
    centre: float = 1.0

    @classmethod
    def of(cls, hazards: Floats, days: Floats, events: Mask, caution: float) -> "Recalibration":
        """From foreseen `hazards` a day (pieces,), `days` spent at risk, and the `events` that came.

        Both numbers are drawn to leaving everything as it is, with the weight of `caution` events.
        """
        if not len(hazards):
            return cls()
        foreseen = hazards * days
        centre = float(np.exp(np.average(np.log(hazards), weights=foreseen)))
        apart = np.log(hazards / centre)
        move = np.zeros(2)
        for _ in range(_STEPS):
            expected = foreseen * np.exp(move[0] + np.clip(move[1] * apart, -20.0, 20.0))
            missing = events - expected
            slope = np.array([missing.sum(), missing @ apart]) - caution * move
            cross = float(expected @ apart)
            curve = np.array([[expected.sum() + caution, cross], [cross, expected @ apart**2 + caution]])
            step = np.clip(np.linalg.solve(curve, slope), -0.5, 0.5)
            move += step
            if np.abs(step).max() < 1e-9:
                break
        return cls(float(move[0]), float(np.clip(1.0 + move[1], *_STEEP)), centre)

    def agreed(self, other: "Recalibration") -> "Recalibration":
        """What two windows have in common: the smaller move of both where they go the same way, else none.

        What went wrong only once was news, which the model has learned since.

        >>> Recalibration(shift=-0.3).agreed(Recalibration(shift=-0.1)).shift
        -0.1
        """
        slope = 1.0 + _common(self.slope - 1.0, other.slope - 1.0)
        return Recalibration(_common(self.shift, other.shift), slope, self.centre)

    def applied(self, hazards: Floats) -> Floats:
        """The same hazards, set right.

        >>> Recalibration(shift=np.log(2.0), slope=1.0).applied(np.array([0.1])).round(3).tolist()
        [0.2]
        """
        return np.asarray(self.centre * np.exp(self.shift) * (hazards / self.centre) ** self.slope, np.float64)


def _common(one: float, other: float) -> float:
    return min(one, other, key=abs) if one * other > 0 else 0.0

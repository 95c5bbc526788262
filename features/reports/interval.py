"""A number of a report with how sure it is."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval; None where nothing is known, an end also where it is without bound."""

    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, mean: float, low: float, high: float) -> "Interval":
        """From numbers that may be infinite or NaN, which a report does not hold.

        >>> Interval.of(1.0, float("-inf"), 2.0)
        Interval(mean=1.0, low=None, high=2.0)
        """
        return cls(*(each if isfinite(each) else None for each in map(float, (mean, low, high))))

    @property
    def above(self) -> bool:
        """Whether it lies above 0 with both its ends."""
        return self.low is not None and self.low > 0

    @property
    def below(self) -> bool:
        """Whether it lies below 0 with both its ends."""
        return self.high is not None and self.high < 0

    def times(self, factor: float) -> "Interval":
        """The same of so many; `factor` is not negative.

        >>> Interval(1.0, None, 2.0).times(10)
        Interval(mean=10.0, low=None, high=20.0)
        """
        return Interval(*(None if each is None else each * factor for each in (self.mean, self.low, self.high)))

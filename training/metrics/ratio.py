"""A measure as a ratio of two sums over rows, and what each customer adds to it.

Rows of one customer are not independent, so intervals come from resampled customers. Recounting a concordance for each
of 1,000 draws is out of reach, so the ratio is linearised (the infinitesimal jackknife: Efron, 1982): each customer
gets a value, their mean is the measure, and the mean over resampled customers is what the measure would be for them, up
to terms that vanish with the number of customers.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import Codes, Floats


@dataclass(frozen=True)
class Ratio:
    """`sum(over) / sum(under)`, both (rows,).

    `degree` is 2 where a row's entries speak of its comparisons with all others, as in a concordance: who is drawn
    twice is then also compared twice as often.
    """

    over: Floats
    under: Floats
    degree: int = 1

    @property
    def value(self) -> float:
        """The measure; NaN where nothing is counted.

        >>> Ratio(np.array([1.0, 0.0]), np.array([1.0, 1.0])).value
        0.5
        """
        under = self.under.sum()
        return float(self.over.sum() / under) if under > 0 else float("nan")

    def by_customer(self, customers: Codes) -> Floats:
        """One value a distinct customer, in the order of their codes: their mean is `value`, see above; NaN like it.

        >>> Ratio(np.array([1.0, 0.0, 0.0]), np.ones(3)).by_customer(np.array([7, 7, 9])).round(2).tolist()
        [0.56, 0.11]
        """
        if len(customers) != len(self.over):
            raise ValueError(f"{len(customers)} customers for {len(self.over)} rows; give one for each row")
        _, places = np.unique(customers, return_inverse=True)
        value, total = self.value, self.under.sum()
        if np.isnan(value):
            return np.full(int(places.max(initial=-1)) + 1, np.nan)
        beyond = np.bincount(places, self.over - value * self.under)
        return np.asarray(value + self.degree * len(beyond) * beyond / total, np.float64)


def mean(values: Floats) -> Ratio:
    """The mean of `values` over rows where it is known, that is not NaN.

    >>> mean(np.array([1.0, np.nan, 2.0])).value
    1.5
    """
    known = np.isfinite(values)
    return Ratio(np.where(known, values, 0.0), known.astype(np.float64))

"""Shares with Wilson's interval, which holds for few and for rare ones too."""

from math import sqrt

from scipy.stats import norm

from features.reports.share import Share

_Z = float(norm.ppf(0.975))


def share(count: int, of: int) -> Share:
    """`count` of `of` with its 95 % interval (Wilson, "Probable inference", JASA 1927).

    >>> share(5, 10)
    Share(count=5, of=10, value=0.5, low=0.23659, high=0.76341)
    >>> share(0, 0)
    Share(count=0, of=0, value=None, low=None, high=None)
    """
    count, of = int(count), int(of)
    if not of:
        return Share(count, of)
    rate, squared = count / of, _Z**2 / of
    middle = (rate + squared / 2) / (1 + squared)
    half = sqrt(squared * (rate * (1 - rate) + squared / 4)) / (1 + squared)
    low = 0.0 if count == 0 else round(middle - half, 5)
    high = 1.0 if count == of else round(middle + half, 5)
    return Share(count, of, round(rate, 5), low, high)

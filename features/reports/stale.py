"""When a type of events has gone silent: by its own pace, so that neither a rare one nor a night raises an alarm."""

from datetime import datetime, timedelta

_LEAST = timedelta(hours=24)
_MOST = timedelta(days=14)
_TIMES = 20.0


def silent(count: int, first: datetime, last: datetime, now: datetime) -> bool:
    """Whether nothing came for longer than is to be expected of a type that came `count` times from `first` to `last`.

    Were they a Poisson stream, a pause of twenty mean distances would have the probability e^-20; as shops sleep at
    night and on holidays, a day is never too long, and two weeks always are. One alone says nothing about a pace.

    >>> from datetime import UTC
    >>> day = timedelta(days=1)
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> silent(5_000, now - 30 * day, now - 2 * day, now), silent(4, now - 30 * day, now - 10 * day, now)
    (True, False)
    """
    if count < 2:
        return now - last > _MOST
    pace = (last - first) / (count - 1)
    return now - last > min(max(_TIMES * pace, _LEAST), _MOST)

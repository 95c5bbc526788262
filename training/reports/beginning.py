"""Where in a log a report begins to read: what it costs follows from its window and not from how old the shop is."""

from datetime import datetime, timedelta

from features.log import Log, microseconds

_WAITED = timedelta(days=1)


def beginning(log: Log, since: datetime) -> int:
    """A position behind which everything stands that was received at `since` or later.

    What a service keeps on its disk while the database is away comes later than it was received, so the search is for a
    day before. Who waited longer than that right at the beginning of the window may be left out.
    """
    return log.before(microseconds(since - _WAITED))

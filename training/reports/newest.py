"""Where the newest decisions of each decision point begin in the log: reports read so many of them and no more."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from features.decisions import DECISION
from features.log import Log, Record, microseconds

_AT_ONCE = 2_000


class _Head(msgspec.Struct, frozen=True):
    decision_point: str


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True)
class Stretch:
    """The end of the log that a report reads: what stands behind position `after`; `limited` where there is more
    before it."""

    after: int = 0
    limited: bool = False


def newest(
    decisions: Log,
    points: Collection[str],
    count: int,
    as_of: datetime,
    since: datetime | None = None,
    most: int = 500_000,
) -> Mapping[str, Stretch]:
    """The stretch with the newest `count` decisions before `as_of`, made at `since` or later, of each of `points`, all
    of them where there are fewer; older decisions may stand in it too.

    The log is read once from its end, and not beyond its newest `most` records or what was written before `since`: what
    it costs does not follow from how long the shop has been there.
    """
    left, before = Counter(dict.fromkeys(points, count)), microseconds(as_of)
    earliest = microseconds(since) if since else 0
    found: dict[str, Stretch] = {}
    for number, record in enumerate(_backwards(decisions)):
        if number >= most:
            return dict.fromkeys(points, Stretch(record.position, True)) | found
        if record.received_at < earliest:
            return dict.fromkeys(points, Stretch(record.position)) | found
        if record.type != DECISION or not earliest <= record.occurred_at < before:
            continue
        point = _HEAD.decode(record.payload).decision_point
        if left[point] > 0:
            left[point] -= 1
        elif point in points and point not in found:
            found[point] = Stretch(record.position, True)
            if len(found) == len(points):
                break
    return dict.fromkeys(points, Stretch()) | found


def _backwards(decisions: Log) -> Iterator[Record]:
    last = decisions.last_position()
    while last > 0:
        first = max(last - _AT_ONCE, 0)
        records = [record for batch in decisions.scan(first, last, _AT_ONCE) for record in batch]
        yield from reversed(records)
        last = first

"""A range of the log, and the entry of a stream that holds it: the id says where it ends, a field where it begins."""

from dataclasses import dataclass

Entry = tuple[bytes, dict[bytes, bytes]]
"""The id of an entry of a stream, and its fields."""

_LONGEST = 1_000_000
"""Feeders write far shorter ones; an id of Redis' own, a time in milliseconds, is farther away from any position."""


@dataclass(frozen=True, order=True)
class Range:
    """The events behind position `after` and not behind `upto`."""

    after: int
    upto: int

    def cut(self, size: int) -> list["Range"]:
        """The same in ranges of at most `size` positions.

        >>> Range(3, 8).cut(2)
        [Range(after=3, upto=5), Range(after=5, upto=7), Range(after=7, upto=8)]
        """
        return [Range(after, min(after + size, self.upto)) for after in range(self.after, self.upto, size)]


def range_of(id_: bytes, fields: dict[bytes, bytes]) -> Range | None:
    """The range that an entry holds; None for one that no feeder wrote.

    >>> range_of(b"5-0", {b"after": b"3"}), range_of(b"1795462728626-0", {b"after": b"3"})
    (Range(after=3, upto=5), None)
    """
    after = fields.get(b"after", b"")
    if not after.isdigit() or not id_.endswith(b"-0") or not 0 < position_of(id_) - int(after) <= _LONGEST:
        return None
    return Range(int(after), position_of(id_))


def position_of(id_: bytes) -> int:
    """The position that an id stands for."""
    return int(id_.partition(b"-")[0])

"""Ranges of the log in a Redis stream: fed by one, taken by many; what a dead one had taken is taken again.

The stream holds positions and nobody's id or event, as what a range says stands in the log. An entry's id is the
position at which its range ends, so that feeding twice adds nothing, and the stream itself knows how far it was fed.
That lies in the same server as the rows that are made of it: one that comes back with less of both is fed again from
there. Entries are deleted as they are acknowledged, and who feeds asks first how many there are; none is dropped for
the length of the stream, as what does not fit waits in the log. An entry that is no range, written by somebody else or
damaged, is taken out by whoever comes upon it (`features/foreign_entries.py`).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.exceptions import ResponseError

from features.foreign_entries import take_out
from features.log_ranges import Entry, Range, position_of, range_of

log = logging.getLogger(__name__)

_GROUP = "projectors"
_GONE = timedelta(hours=1)
_FORGET = """
for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local one = {}
  for place = 1, #told, 2 do one[told[place]] = told[place + 1] end
  if one.pending == 0 and (one.name == ARGV[2] or one.idle > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one.name)
  end
end"""


@dataclass(frozen=True)
class Depth:
    """How many ranges wait, how many were taken and not acknowledged, and the earliest of all of them."""

    waiting: int = 0
    taken: int = 0
    earliest: Range | None = None


class Stream:
    """The ranges under one key of a server; `consumer` names who takes them here."""

    def __init__(self, client: Any, key: str, consumer: str) -> None:
        self.client = client
        self.key = key
        self.consumer = consumer
        self.foreign = 0
        """How many entries this consumer has deleted that were no ranges."""

        self._cursor: Any = "0-0"

    def fed(self) -> tuple[int, int]:
        """The position up to which it was fed, 0 for never, and how many ranges it holds. Makes it if there is none.

        An entry at the end that is no range is taken out first: behind it, something would be passed over.
        """
        try:
            told = self.client.xinfo_stream(self.key)
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            told = {"groups": 0, "length": 0, "last-generated-id": b"0-0"}
        if not told["groups"]:
            self._found()
        if (newest := told.get("last-entry")) and range_of(*newest) is None:
            self._take_out()
            told = self.client.xinfo_stream(self.key)
        return position_of(told["last-generated-id"]), told["length"]

    def add(self, ranges: Iterable[Range]) -> None:
        """Feed it; a range that is not behind all earlier ones was fed by another already, and is passed over.

        A server that refuses one, as it is full, takes none of them.
        """
        with self.client.pipeline(transaction=True) as pipe:  # a range left out between two would never be fed
            for one in ranges:
                pipe.xadd(self.key, {"after": one.after}, id=f"{one.upto}-0")
            for answer in pipe.execute(raise_on_error=False):
                if isinstance(answer, Exception) and "equal or smaller" not in str(answer):
                    raise answer

    def pass_over(self, position: int) -> None:
        """Count as fed up to `position` without a range, unless it was fed further meanwhile."""
        try:
            self.client.execute_command("XSETID", self.key, f"{position}-0")
        except ResponseError as error:
            if "smaller" not in str(error):
                raise

    def take(self, idle: timedelta) -> tuple[list[Range], list[Range]]:
        """At most one range that nobody has, and one that somebody took longer than `idle` ago and did not finish."""
        with self.client.pipeline(transaction=False) as pipe:
            pipe.xautoclaim(
                self.key, _GROUP, self.consumer, idle // timedelta(milliseconds=1), start_id=self._cursor, count=1
            )
            pipe.xreadgroup(_GROUP, self.consumer, {self.key: ">"}, count=1)
            claimed, read = pipe.execute(raise_on_error=False)
        for answer in (claimed, read):
            if isinstance(answer, Exception):
                if "NOGROUP" in str(answer):  # nobody fed it yet
                    return [], []
                raise answer
        self._cursor = claimed[0]
        return self._ranges([entry for _, entries in read for entry in entries]), self._ranges(claimed[1])

    def done(self, ranges: Sequence[Range]) -> None:
        """Acknowledge and delete them, both or neither."""
        self._delete([f"{one.upto}-0" for one in ranges])

    def depth(self) -> Depth:
        """What it holds now."""
        with self.client.pipeline(transaction=True) as pipe:
            pipe.xlen(self.key)
            pipe.xpending(self.key, _GROUP)
            pipe.xrange(self.key, count=1)
            length, pending, first = pipe.execute(raise_on_error=False)
        for answer in (length, pending, first):
            if isinstance(answer, Exception):
                if "NOGROUP" in str(answer):
                    return Depth()
                raise answer
        taken = pending["pending"]
        return Depth(max(0, length - taken), taken, range_of(*first[0]) if first else None)

    def forget(self) -> None:
        """Take this consumer off the list, and those that were not heard of for an hour; who holds a range stays."""
        try:
            self.client.eval(_FORGET, 1, self.key, _GROUP, self.consumer, _GONE // timedelta(milliseconds=1))
        except ResponseError:  # there is no list
            return

    def drop(self, end: int) -> None:
        """Begin anew, as it was fed further than `end`, where the log ends: from another log, or so it seems, as
        somebody wrote to it and deleted that again. No id below the last is taken any more."""
        log.warning(
            "the stream %s was fed beyond position %d, where the log ends, and begins anew: what the features do not "
            "know is pushed again",
            self.key,
            end,
        )
        self.client.unlink(self.key)
        self._found()

    def _ranges(self, entries: Sequence[Entry]) -> list[Range]:
        """Those of the entries that are ranges; the others go, or they would come back to whoever takes next."""
        found = [range_of(*entry) for entry in entries]
        if None in found:
            self._take_out()
        return [one for one in found if one is not None]

    def _take_out(self) -> None:
        self.foreign += take_out(self.client, self.key, _GROUP)

    def _delete(self, ids: Sequence[bytes | str]) -> None:
        with self.client.pipeline(transaction=True) as pipe:
            pipe.xack(self.key, _GROUP, *ids)
            pipe.xdel(self.key, *ids)
            pipe.execute()

    def _found(self) -> None:
        try:
            self.client.xgroup_create(self.key, _GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

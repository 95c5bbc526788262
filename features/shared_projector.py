"""The projector of an online store that many can write at once: whoever holds the lease feeds ranges of the log into a
stream beside the rows (`features/stream.py`), and every worker of every replica takes ranges and pushes their rows.

A range is delivered at least once, in any order. That is enough: a row is derived from the log anew, as it stands then,
and of two rows of an id the one that knows more of the log stays (`features/newer_rows.py`). So the rows are those that
one projector alone would have written, whoever was killed in between.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from feast import FeatureStore

from features.ahead import Ahead
from features.compute import HISTORY_LIMIT
from features.lease import Lease
from features.log import Log, moment
from features.log_ranges import Range
from features.newer_rows import client_of
from features.projector import EVENTS_AT_ONCE, IDS_AT_ONCE, MOST_BEHIND, Lag, Step, ids_of, push, reported
from features.recent import TAIL_EVENTS, recents_of
from features.recent_rows import base_of
from features.stream import Stream

_MOST_RANGES = 100
_ABANDONED = timedelta(seconds=30)


class SharedProjector:
    """One of several that push at the same time; `lease` says which of them also feeds the stream.

    A range that was taken more than `abandoned` ago is taken from whoever has it, dead or slow.
    """

    def __init__(self, log: Log, store: FeatureStore, lease: Lease, abandoned: timedelta = _ABANDONED) -> None:
        self.log = log
        self.store = store
        self.lease = lease
        self.abandoned = abandoned
        self.stream = Stream(client_of(store), f"{store.config.project}:log_ranges", lease.owner)
        self._foreign = 0
        self.ahead = Ahead()

    def step(self, now: datetime) -> Step:
        """Feed what is new, if this is the one that does; then push a range of whatever waits.

        Raises what the database or the store raise when they cannot be reached, and LookupError as long as no features
        were applied; nothing is lost by that, as a range is acknowledged last.
        """
        held = self.lease.hold(now)
        skipped = self._feed() if held else 0
        fresh, abandoned = self.stream.take(self.abandoned)
        foreign, self._foreign = self.stream.foreign - self._foreign, self.stream.foreign
        more = bool(fresh or abandoned or foreign)
        done = Step(skipped=skipped, unreadable=foreign, taken_over=len(abandoned), more=more, held=held, joins=True)
        for one in (*abandoned, *fresh):
            pushed = self._push(one)
            self.stream.done([one])
            done = replace(
                done,
                pushed=done.pushed + pushed.pushed,
                refused=done.refused + pushed.refused,
                unreadable=done.unreadable + pushed.unreadable,
            )
        return done

    def lag(self) -> Lag:
        """How far behind all of them together are."""
        fed, _ = self.stream.fed()
        depth = self.stream.depth()
        after = depth.earliest.after if depth.earliest is not None else fed
        waiting = self.log.read(after, 1, TAIL_EVENTS) if after else []
        if not waiting:
            return Lag(0, None, depth.waiting, depth.taken)
        events = self.log.last_position() - after
        return Lag(events, moment(waiting[0].received_at), depth.waiting, depth.taken)

    def close(self) -> None:
        """Leave the others to it, at once."""
        self.lease.release()
        self.stream.forget()

    def _feed(self) -> int:
        """Returns how many events are passed over as they are too many; the log itself is the queue behind the queue.

        As long as no features are online there is nothing to be recent to. A stream that is ahead of the log was fed
        from another one.
        """
        base = base_of(self.store)
        if base.position == 0:
            return 0
        fed, ranges = self.stream.fed()
        end = self.log.last_position()
        if fed > end:
            self.stream.drop(end)
            fed, ranges = 0, 0
        after = max(fed, base.position, end - MOST_BEHIND)
        if after > fed:
            self.stream.pass_over(after)
        self.stream.add(Range(after, end).cut(EVENTS_AT_ONCE)[: max(0, _MOST_RANGES - ranges)])
        return after - fed if fed and after > base.position else 0

    def _push(self, one: Range) -> Step:
        base = base_of(self.store)
        after = max(one.after, base.position)
        if after >= one.upto:
            return Step()
        found = self.log.read(after, one.upto - after, TAIL_EVENTS)
        records = [record for record in found if record.position <= one.upto]
        refused: list[str] = []
        ids = ids_of(records)
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = ids[start : start + IDS_AT_ONCE]
            recents = recents_of(self.log, some, base, self.log.last_position(), HISTORY_LIMIT, self.ahead)
            refused += push(self.store, recents)
        return reported(records, refused)

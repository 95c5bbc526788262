"""The projector: what is in the log goes into the online store in small batches, a row an id (`features/recent.py`).

It is never on the path of an answer, and no answer depends on it: whoever finds no row, or an old one, reads the log.
So what cannot be pushed is left out, and a projector that fell far behind begins again at the end. What it writes is
derived from the log alone: to do it twice, or two at once, changes nothing.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from feast import FeatureStore

from features.ahead import Ahead
from features.compute import HISTORY_LIMIT
from features.lease import Lease
from features.log import Log, Record, moment
from features.offsets import move, offset
from features.person import default_customer
from features.recent import TAIL_EVENTS, Id, Recent, recents_of, unreadable
from features.recent_rows import base_of, write_recents

NAME = "projector"
IDS_AT_ONCE = 100
EVENTS_AT_ONCE = 1_000
MOST_BEHIND = 50_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What one step did: events that went online, those of ids whose row was refused, and those passed over.

    `unreadable` are events, and entries of the stream of ranges that are no range. `taken_over` counts ranges that
    another had begun and not finished. `more` tells that others wait already; `held` that this projector has the
    lease, and `joins` that it pushes also without.
    """

    pushed: int = 0
    refused: int = 0
    unreadable: int = 0
    skipped: int = 0
    taken_over: int = 0
    more: bool = False
    held: bool = True
    joins: bool = False


@dataclass(frozen=True)
class Lag:
    """How far the online store is behind the log: events at most, and when the oldest of them was received.

    `waiting` and `taken` count the ranges between the two where many push: those that nobody has, and those that
    somebody has and did not finish yet.
    """

    events: int
    since: datetime | None = None
    waiting: int = 0
    taken: int = 0


class Projector:
    """One of perhaps several workers that offer to run it; `lease` says which one does.

    For a store with one writer at a time, as SQLite's; `shared_projector.py` is for the others.
    """

    def __init__(self, log: Log, store: FeatureStore, lease: Lease) -> None:
        self.log = log
        self.store = store
        self.lease = lease
        self.ahead = Ahead()

    def step(self, now: datetime) -> Step:
        """Push the next events, if this is the one that runs.

        Raises what the database or the store raise when they cannot be reached, and LookupError as long as no features
        were applied; nothing is lost by that, as the offset moves last.
        """
        if not self.lease.hold(now):
            return Step(held=False)
        base = base_of(self.store)
        end = self.log.last_position()
        begun = self._offset()
        after = max(begun or 0, base.position, end - MOST_BEHIND, end if begun is None and base.position == 0 else 0)
        records = self.log.read(after, EVENTS_AT_ONCE, TAIL_EVENTS)
        kept, ids = _of_first_ids(records)
        more = len(kept) < len(records) or len(records) == EVENTS_AT_ONCE
        upto = kept[-1].position if more else max(end, after)
        refused = push(self.store, recents_of(self.log, ids, base, upto, HISTORY_LIMIT, self.ahead)) if ids else []
        if upto != begun:
            with self.log.engine.begin() as connection:
                move(connection, NAME, upto)
        skipped = max(0, after - begun) if begun is not None and after > base.position else 0
        return replace(reported(kept, refused), skipped=skipped, more=more)

    def lag(self) -> Lag:
        """How far behind it is, whichever worker runs it."""
        after = self._offset()
        if after is None:
            return Lag(0)
        waiting = self.log.read(after, 1, TAIL_EVENTS)
        if not waiting:
            return Lag(0)
        return Lag(self.log.last_position() - after, moment(waiting[0].received_at))

    def _offset(self) -> int | None:
        with self.log.engine.connect() as connection:
            return offset(connection, NAME) or None

    def close(self) -> None:
        """Let another go on at once."""
        self.lease.release()


def push(store: FeatureStore, recents: Mapping[str, Recent]) -> list[str]:
    """Write the rows; the ids whose row the store refuses though it can be reached, else raises what it raises.

    Of whom the log holds nothing that the features lack, as they were built or somebody erased, no row is made.
    """
    wanted = {id_: recent for id_, recent in recents.items() if recent.records}
    if not wanted:
        return []
    try:
        write_recents(store, wanted)
    except Exception:  # whatever a store raises: if it is gone the next call says so, else one of the rows is wrong
        base_of(store)
        return [id_ for id_, recent in wanted.items() if not _wrote(store, id_, recent)]
    return []


def ids_of(records: Sequence[Record]) -> list[Id]:
    """The ids whose rows change by these records, each once."""
    named = {default_customer(one.user_id, one.anonymous_id): one for one in records}
    return [(one.user_id, None if one.user_id is not None else one.anonymous_id) for one in named.values()]


def reported(records: Sequence[Record], refused: Collection[str]) -> Step:
    """What became of the records whose ids were pushed; those that somebody has to look at are logged."""
    poisoned = [record for record in records if unreadable(record)]
    for record in poisoned:
        log.error("the event at position %d of the log cannot be read; answers leave it out", record.position)
    lost = [record for record in records if default_customer(record.user_id, record.anonymous_id) in refused]
    if lost:
        log.error("the online store refuses rows of %d events up to position %d", len(lost), lost[-1].position)
    return Step(pushed=len(records) - len(lost) - len(poisoned), refused=len(lost), unreadable=len(poisoned))


def _wrote(store: FeatureStore, id_: str, recent: Recent) -> bool:
    try:
        write_recents(store, {id_: recent})
    except Exception:  # this row costs its id a longer way to the log, and nobody else anything
        return False
    return True


def _of_first_ids(records: Sequence[Record]) -> tuple[Sequence[Record], list[Id]]:
    """As many of the records as are of no more ids than go into one write."""
    seen: set[str] = set()
    for place, record in enumerate(records):
        id_ = default_customer(record.user_id, record.anonymous_id)
        if id_ not in seen and len(seen) == IDS_AT_ONCE:
            return records[:place], ids_of(records[:place])
        seen.add(id_)
    return records, ids_of(records)

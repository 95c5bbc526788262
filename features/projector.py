"""The projector: what is in the log goes into the online store in small batches, a row an id (`features/recent.py`).

It is never on the path of an answer, and no answer depends on it: whoever finds no row, or an old one, reads the log.
So what cannot be pushed is left out, and a projector that fell far behind begins again at the end. What it writes is
derived from the log alone: to do it twice, or two at once, changes nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feast import FeatureStore

from features.compute import HISTORY_LIMIT
from features.identity import default_customer
from features.lease import Lease
from features.log import Log, Record, moment
from features.offsets import move, offset
from features.recent import TAIL_EVENTS, Id, Recent, recents_of, unreadable
from features.recent_rows import base_of, write_recents

NAME = "projector"
_IDS_AT_ONCE = 100
_EVENTS_AT_ONCE = 1_000
_MOST_BEHIND = 50_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What one step did: events that went online, those of ids whose row was refused, and those passed over.

    `more` tells that others wait already; `held` that this projector is the one that runs.
    """

    pushed: int = 0
    refused: int = 0
    unreadable: int = 0
    skipped: int = 0
    more: bool = False
    held: bool = True


@dataclass(frozen=True)
class Lag:
    """How far the online store is behind the log: events at most, and when the oldest of them was received."""

    events: int
    since: datetime | None = None


class Projector:
    """One of perhaps several workers that offer to run it; `lease` says which one does."""

    def __init__(self, log: Log, store: FeatureStore, lease: Lease) -> None:
        self.log = log
        self.store = store
        self.lease = lease

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
        after = max(begun or 0, base.position, end - _MOST_BEHIND, end if begun is None and base.position == 0 else 0)
        records = self.log.read(after, _EVENTS_AT_ONCE, TAIL_EVENTS)
        kept, ids = _of_first_ids(records)
        more = len(kept) < len(records) or len(records) == _EVENTS_AT_ONCE
        upto = kept[-1].position if more else max(end, after)
        poisoned = [record for record in kept if unreadable(record)]
        refused: list[str] = []
        if ids:
            refused = self._push(recents_of(self.log, ids, base, upto, HISTORY_LIMIT))
        if upto != begun:
            with self.log.engine.begin() as connection:
                move(connection, NAME, upto)
        for record in poisoned:
            log.error("the event at position %d of the log cannot be read; answers leave it out", record.position)
        lost = [record for record in kept if default_customer(record.user_id, record.anonymous_id) in refused]
        if lost:
            log.error("the online store refuses rows of %d events up to position %d", len(lost), lost[-1].position)
        return Step(
            pushed=len(kept) - len(lost) - len(poisoned),
            refused=len(lost),
            unreadable=len(poisoned),
            skipped=max(0, after - begun) if begun is not None and after > base.position else 0,
            more=more,
        )

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

    def _push(self, recents: Mapping[str, Recent]) -> list[str]:
        """Write the rows; the ids whose row the store refuses though it can be reached."""
        try:
            write_recents(self.store, recents)
        except Exception:  # whatever a store raises: if it is gone the next call says so, else one of the rows is wrong
            base_of(self.store)
            return [id_ for id_, recent in recents.items() if not self._wrote(id_, recent)]
        return []

    def _wrote(self, id_: str, recent: Recent) -> bool:
        try:
            write_recents(self.store, {id_: recent})
        except Exception:  # this row costs its id a longer way to the log, and nobody else anything
            return False
        return True


def _of_first_ids(records: Sequence[Record]) -> tuple[Sequence[Record], list[Id]]:
    """As many of the records as are of no more ids than go into one write."""
    ids: dict[str, Id] = {}
    for place, record in enumerate(records):
        id_ = default_customer(record.user_id, record.anonymous_id)
        if id_ not in ids and len(ids) == _IDS_AT_ONCE:
            return records[:place], list(ids.values())
        ids[id_] = (record.user_id, None if record.user_id is not None else record.anonymous_id)
    return records, list(ids.values())

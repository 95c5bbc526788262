"""How long each store keeps what it holds, and the deletion of what is older.

Nothing goes that is still needed: no event that a reward may yet depend on, none that the history does not hold yet, no
word about consent, none that says which ids are the same person's.
"""

import shutil
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Engine, Table, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from features.acts import Acts
from features.alone import StillAlone, by_the_lock
from features.contact import CONSENT_EVENTS
from features.database import writing
from features.decisions import DECISION, RECOMMENDATION, RESTOCK_CART, Terms
from features.definitions import CUSTOMER_VIEWS
from features.history import only_writer, position
from features.log import DECISIONS, EVENTS, Log, microseconds, moment
from features.privacy.jobs import Jobs
from features.privacy.log_rows import take_out
from features.results import forget_old
from features.snapshots import as_of

_LOCK = 7_061_776_696
_BEFORE = timedelta(days=31)
_LATE = timedelta(days=2)
_UNFINISHED = timedelta(days=1)
"""What failed is taken up on the same day; after that it holds histories and secrets of links for nobody."""

_STATEMENTS = (*CONSENT_EVENTS, "identified", "aliased")


@dataclass(frozen=True)
class Retention:
    """So many days each; None keeps for ever."""

    events: int | None = None
    history: int | None = None
    decisions: int | None = None
    shown: int | None = None
    features: int | None = None
    jobs: int | None = None
    acts: int | None = None


@dataclass(frozen=True)
class Pruned:
    """How much went: rows of the database, days of the history, tables of features, works that failed."""

    events: int = 0
    history_days: int = 0
    decisions: int = 0
    shown: int = 0
    feature_tables: int = 0
    jobs: int = 0
    acts: int = 0
    unfinished: int = 0


class _Head(msgspec.Struct, frozen=True):
    terms: Terms


_HEAD = msgspec.json.Decoder(_Head)


def prune(
    engine: Engine,
    history: Path,
    feature_data: Path,
    keep: Retention,
    now: datetime,
    still_alone: StillAlone = by_the_lock,
) -> Pruned:
    """Delete what is older than `keep` says, and is not needed any more; and what works left that failed a day ago.

    `still_alone` is asked before what the history has alone goes, and before what is taken for being in it.
    """
    return Pruned(
        events=_events(engine, history, now, keep.events, still_alone) if keep.events is not None else 0,
        history_days=_days(history, _ago(now, keep.history), still_alone) if keep.history is not None else 0,
        decisions=_decisions(engine, now, keep.decisions) if keep.decisions is not None else 0,
        shown=_shown(engine, _ago(now, keep.shown)) if keep.shown is not None else 0,
        feature_tables=_tables(feature_data, _ago(now, keep.features)) if keep.features is not None else 0,
        jobs=Jobs(engine).prune(_ago(now, keep.jobs)) if keep.jobs is not None else 0,
        acts=Acts(engine).prune(_ago(now, keep.acts)) if keep.acts is not None else 0,
        unfinished=forget_old(feature_data, now - _UNFINISHED),
    )


def _ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _open_since(engine: Engine, now: datetime) -> datetime:
    """When the first decision was made whose reward may still change; now, where there is none."""
    first = now
    for batch in Log(engine, DECISIONS).scan():
        for record in batch:
            at = moment(record.occurred_at)
            if record.type == DECISION and at < first and _settles(record.payload, at) > now:
                first = at
    return first


def _settles(payload: str, at: datetime) -> datetime:
    """From when on late events have had their time too."""
    return at + timedelta(hours=_HEAD.decode(payload).terms.window_hours) + _LATE


def _events(engine: Engine, history: Path, now: datetime, days: int, still_alone: StillAlone) -> int:
    """Events that occurred before the limit; what the log still has of a person must not end in the middle of it."""
    limit = min(_ago(now, days), _open_since(engine, now) - _BEFORE)
    linking = EVENTS.c.user_id.is_not(None) & EVENTS.c.anonymous_id.is_not(None)
    old = (
        (EVENTS.c.occurred_at < microseconds(limit))
        & (EVENTS.c.position <= position(history))
        & EVENTS.c.type.not_in(_STATEMENTS)
        & ~linking
    )
    still_alone()
    return _taken(engine, EVENTS, old)


def _decisions(engine: Engine, now: datetime, days: int) -> int:
    """Decisions and tombstones, whose reward is final."""
    limit = min(_ago(now, days), _open_since(engine, now))
    return _taken(engine, DECISIONS, (DECISIONS.c.type == DECISION) & (DECISIONS.c.occurred_at < microseconds(limit)))


def _shown(engine: Engine, limit: datetime) -> int:
    kinds = or_(DECISIONS.c.type == RECOMMENDATION, DECISIONS.c.type == RESTOCK_CART)
    return _taken(engine, DECISIONS, kinds & (DECISIONS.c.occurred_at < microseconds(limit)))


def _taken(engine: Engine, table: Table, which: ColumnElement[bool]) -> int:
    with writing(engine, _LOCK) as connection:
        count = connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()
        if count:
            take_out(connection, table, which)
    return int(count)


def _days(history: Path, limit: datetime, still_alone: StillAlone) -> int:
    """Whole days that lie before the limit."""
    if not history.exists():
        return 0
    gone = 0
    with only_writer(history):
        for folder in sorted(history.glob("day=*")):
            if date.fromisoformat(folder.name.removeprefix("day=")) < limit.date():
                still_alone()
                shutil.rmtree(folder)
                gone += 1
    return gone


def _tables(feature_data: Path, limit: datetime) -> int:
    """Tables of customers that are older than the limit; the newest of each view stays, as it is in use."""
    gone = 0
    for view in CUSTOMER_VIEWS:
        for path in sorted((feature_data / view).glob("*.parquet"))[:-1]:
            if as_of(path) < limit:
                path.unlink(missing_ok=True)
                gone += 1
    return gone

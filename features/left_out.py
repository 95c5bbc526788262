"""Events that the history left out as they cannot be read, told as long as the log has them."""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import select

from features.among import one_of
from features.history_part import Written
from features.history_state import State
from features.log import Log
from features.privacy.log_rows import BLANK

KEPT = 10_000
"""Positions that the state of a history has: of more than these nobody finds out that they are gone."""


def with_left_out(state: State, done: Sequence[Written]) -> State:
    """The state after some ranges were written: what they left out is counted with the rest."""
    found = [position for part in done for position in part.unreadable]
    told = (*state.unreadable_at, *found)[:KEPT]
    return replace(state, unreadable=state.unreadable + len(found), unreadable_at=told)


def without_gone(state: State, log: Log) -> State:
    """The state without events that a retention or an erasure took out of `log` since, of which the newest is blank."""
    known = state.unreadable_at
    if not known:
        return state
    position, kind = log.table.c.position, log.table.c.type
    query = select(position).where(one_of(log.engine.dialect.name, position, known), kind != BLANK)
    with log.engine.connect() as connection:
        there = tuple(sorted(connection.execute(query).scalars()))
    return replace(state, unreadable=state.unreadable - len(known) + len(there), unreadable_at=there)
